"""What a runner tells the executors that listen: best effort, they look at the directories too."""

import json
import os
import select
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from evenflow.common.adapters.local.runner import run_files
from evenflow.common.adapters.local.runner.run_files import Record

NOTIFY_SECONDS: Final = 1.0


def tell(directory: Path, news: Record) -> None:
    """Write one line to every listening executor; best effort, they look at the directories too."""
    line = json.dumps(news).encode() + b"\n"
    with suppress(OSError):
        for listener in (directory.parent / run_files.LISTENERS).iterdir():
            if listener.name.startswith("."):
                continue
            try:
                fd = os.open(listener, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads it: its executor died
                with suppress(OSError):
                    listener.unlink()
                continue
            try:
                _write_whole(fd, line)
            finally:
                os.close(fd)


def _write_whole(fd: int, line: bytes) -> None:
    """Lines are shorter than PIPE_BUF, so each is written whole or not at all."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    give_up_at = time.monotonic() + NOTIFY_SECONDS
    while time.monotonic() < give_up_at:
        try:
            os.write(fd, line)
        except BlockingIOError:
            poll.poll(50)
        except OSError:
            return
        else:
            return
