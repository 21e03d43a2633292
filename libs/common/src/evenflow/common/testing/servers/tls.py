"""Certificates of a throw-away authority, and TLS in front of a server that speaks none."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

_CHUNK = 65_536
_POSTGRES_ASKS = 8  # bytes of a request for TLS


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority, and a certificate of it for 127.0.0.1, of servers and clients alike."""

    ca: Path
    cert: Path
    key: Path


def made_certificates(directory: Path) -> Certificates:
    """Make them with the program openssl.

    Raises:
        FileNotFoundError: there is no openssl here.
    """
    program = shutil.which("openssl")
    if program is None:
        raise FileNotFoundError("no openssl: install it")
    directory.mkdir(parents=True, exist_ok=True)
    found = Certificates(directory / "ca.pem", directory / "cert.pem", directory / "key.pem")
    ca_key, extensions = directory / "ca.key", directory / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    authority = ("-keyout", str(ca_key), "-out", str(found.ca))
    request = ("-keyout", str(found.key), "-out", str(directory / "request"))
    signed = ("-CA", str(found.ca), "-CAkey", str(ca_key), "-CAcreateserial")
    for command in (
        ("req", "-x509", *curve, "-days", "2", "-subj", "/CN=authority", *authority),
        ("req", *curve, "-subj", "/CN=localhost", *request),
        ("x509", "-req", "-in", request[-1], *signed, "-days", "2", "-out", str(found.cert),
         "-extfile", str(extensions)),
    ):  # fmt: skip
        subprocess.run([program, *command], check=True, capture_output=True)  # noqa: S603
    return found


@contextmanager
def tls_in_front(port: int, certificates: Certificates, *, asks: bool = False) -> Iterator[int]:
    """Listen with TLS and hand on what comes to `port`; yields where it listens.

    `asks`: clients first ask whether there is TLS, as those of PostgreSQL do.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    Thread(target=handle, args=(client,), daemon=True).start()

        def handle(client: socket.socket) -> None:
            with suppress(OSError):
                if asks:
                    client.recv(_POSTGRES_ASKS)
                    client.sendall(b"S")
                inside = context.wrap_socket(client, server_side=True)
                outside = socket.create_connection(("127.0.0.1", port))
                Thread(target=pump, args=(outside, inside), daemon=True).start()
                pump(inside, outside)

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(_CHUNK):
                    sink.sendall(data)
            for end in (source, sink):
                with suppress(OSError):
                    end.close()

        Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
