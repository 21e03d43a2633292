"""A named pipe in which runners, also those started by an earlier executor, tell what happened.

Pipes rather than datagram sockets: a path may be long, the pipe takes hundreds of lines before a
writer has to wait, and each of several executors has its own.
"""

import asyncio
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from evenflow.common.adapters.local.runner.run_files import Record
from evenflow.common.contracts.json_text import read_json

_READ_BYTES: Final = 65_536


class Listener:
    """Calls back with every whole line."""

    def __init__(self, directory: Path, on_news: Callable[[Record], None]) -> None:
        """`directory` is where runners look for pipes."""
        self._directory = directory
        self._path = directory / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._on_news = on_news
        self._fd: int | None = None
        self._rest = b""

    def open(self) -> None:
        """Begin to listen."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}")
        os.mkfifo(draft, 0o600)
        # Opened for writing too, so that it has no end when a runner leaves; named only once it
        # has a reader, because runners remove pipes that nobody reads.
        self._fd = os.open(draft, os.O_RDWR | os.O_NONBLOCK)
        draft.rename(self._path)
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def close(self) -> None:
        """Stop listening."""
        if self._fd is None:
            return
        asyncio.get_running_loop().remove_reader(self._fd)
        self._path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = None

    def _read(self) -> None:
        if self._fd is None:
            return
        with suppress(BlockingIOError):
            self._rest += os.read(self._fd, _READ_BYTES)
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            with suppress(ValueError):  # somebody else wrote into our pipe
                news = read_json(line)
                if isinstance(news, dict):
                    self._on_news(news)
