"""A small process that forks one runner per request: far quicker than starting Python each time.

Started as `python -I -S -c BOOTSTRAP`; standard library only. It ends when the executor's end of
its socket closes; its runners are in sessions of their own and go on.
"""

import gc
import json
import os
import signal
import struct
import sys
from typing import Final

from evenflow.common.adapters.local.runner.process import identify
from evenflow.common.adapters.local.runner.runner import Request, run

HEADER: Final = struct.Struct("!I")


def main(fd: int) -> None:
    """Serve frames (length, JSON of a `runner.Request`) from socket `fd` until it closes.

    A fork that fails is answered with a frame `{token, error}`; everything else the runner tells
    itself.
    """
    os.set_inheritable(fd, False)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps runners
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    identify(os.getpid())  # what is read once for all runners
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection would touch, and so copy, the pages shared with runners
    while (frame := _receive(fd)) is not None:
        try:
            pid = os.fork()
        except OSError as error:
            token = json.loads(frame)["token"]
            _send(fd, json.dumps({"token": token, "error": f"no process: {error}"}).encode())
            continue
        if pid == 0:
            _become_runner(fd, frame)


def _become_runner(fd: int, frame: bytes) -> None:
    status = 1
    try:
        os.close(fd)  # a copy here would hide the fork server's death from the executor
        request: Request = json.loads(frame)
        run(request)
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may return into the fork server's loop
        sys.excepthook(*sys.exc_info())  # to the fork server's log
        sys.stderr.flush()
    finally:
        os._exit(status)


def _receive(fd: int) -> bytes | None:
    header = _read_exactly(fd, HEADER.size)
    return None if header is None else _read_exactly(fd, HEADER.unpack(header)[0])


def _read_exactly(fd: int, size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(fd, size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _send(fd: int, body: bytes) -> None:
    try:
        os.write(fd, HEADER.pack(len(body)) + body)
    except OSError:
        return  # the executor is gone; the next read says so
