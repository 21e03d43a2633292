"""A real HTTP server that takes what is posted to it, for tests of webhooks."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Receiver:
    """A server that can be down, answers what it is told to, and remembers what it took."""

    port: int = 0
    status: int = 200
    pause: float = 0.0
    asked: int = 0
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def up(self) -> None:
        """Listen, on the same port as the last time."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked += 1
                time.sleep(receiver.pause)
                if receiver.status < HTTPStatus.MULTIPLE_CHOICES:
                    receiver.taken.append((dict(self.headers), body))
                with suppress(OSError):
                    self.send_response(receiver.status)
                    self.send_header("Location", "/elsewhere")
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections; being down twice is fine."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def told(self) -> list[int]:
        """How many GPUs were used in the alerts it took."""
        return [json.loads(body)["used"] for _, body in self.taken]
