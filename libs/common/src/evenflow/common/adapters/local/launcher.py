"""The executor's end of the fork server: keeps one running and sends it requests."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from evenflow.common.adapters.local.runner.fork_server import HEADER
from evenflow.common.adapters.local.runner.runner import Request
from evenflow.common.domain.errors import TemporarilyUnavailable

# The package's own root goes last on the path: only `evenflow` is looked for there.
_ROOT: Final = Path(__file__).resolve().parents[4]
_BOOTSTRAP: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from evenflow.common.adapters.local.runner.fork_server import main; main(int(sys.argv[2]))"
)
_BRIEF_SECONDS: Final = 1.0  # a fork server that lived shorter is replaced after a pause
_PAUSE_SECONDS: Final = 0.5
_CLOSE_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class Launcher:
    """Starts runners through a fork server, and a new fork server when the last one died."""

    def __init__(
        self,
        log_path: Path,
        *,
        on_refused: Callable[[str, str], None],
        on_replaced: Callable[[], None],
    ) -> None:
        """Report failed forks as (token, reason), and each new fork server: requests may be lost.

        `log_path` takes what fork server and runners write to stderr.
        """
        self._log_path = log_path
        self._on_refused = on_refused
        self._on_replaced = on_replaced
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawning = asyncio.Lock()
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """The fork server's process id; None when none runs."""
        return self._process.pid if self._process and self._writer else None

    async def open(self) -> None:
        """Have a fork server running.

        Raises:
            TemporarilyUnavailable: this machine cannot start processes now.
        """
        async with self._spawning:
            if self._writer is not None or self._is_closed:
                return
            ours, theirs = socket.socketpair()
            try:
                self._process = await asyncio.to_thread(self._spawn, theirs)
            except OSError as error:
                ours.close()
                raise TemporarilyUnavailable(f"no process can be started: {error}") from error
            finally:
                theirs.close()
            reader, self._writer = await asyncio.open_unix_connection(sock=ours)
            task = asyncio.create_task(self._follow(reader, self._writer, self._process))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def send(self, request: Request) -> None:
        """Ask for a runner. It may be lost with the fork server; asking twice is harmless.

        Raises:
            TemporarilyUnavailable: this machine cannot start processes now.
        """
        if self._writer is None:
            await self.open()
        writer = self._writer
        if writer is None:
            raise TemporarilyUnavailable("the process that starts runs ended at once")
        body = json.dumps(request).encode()
        writer.write(HEADER.pack(len(body)) + body)
        try:
            await writer.drain()
        except ConnectionError:
            return  # `_follow` sees the end, and on_replaced asks again

    async def close(self) -> None:
        """Let the fork server end. What it has been asked for is still started."""
        self._is_closed = True
        if self._writer is not None:
            self._writer.close()
        if not self._tasks:
            return
        _, stuck = await asyncio.wait(self._tasks, timeout=_CLOSE_SECONDS)
        if stuck and self._process is not None:
            self._process.kill()
            await asyncio.wait(stuck)

    def _spawn(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        with self._log_path.open("wb") as stderr:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and text
                [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, str(_ROOT), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                start_new_session=True,
                env={"PATH": os.defpath},
            )

    async def _follow(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        process: subprocess.Popen[bytes],
    ) -> None:
        """Read refusals until the fork server is gone, then replace it."""
        since = time.monotonic()
        try:
            while True:
                size = HEADER.unpack(await reader.readexactly(HEADER.size))[0]
                refusal = json.loads(await reader.readexactly(size))
                self._on_refused(refusal["token"], refusal["error"])
        except (asyncio.IncompleteReadError, ConnectionError):
            self._writer = None
        writer.close()
        status = await asyncio.to_thread(process.wait)
        if self._is_closed:
            return
        _log.warning("fork_server_ended", status=status, log=str(self._log_path))
        if time.monotonic() - since < _BRIEF_SECONDS:
            await asyncio.sleep(_PAUSE_SECONDS)
        try:
            await self.open()
        except TemporarilyUnavailable as error:
            # The next `send` tries again.
            _log.warning("fork_server_not_replaced", reason=str(error))
            return
        self._on_replaced()
