"""The files of one run's directory, by name: read, written whole or not at all, and locked.

Standard library only, like all of this room. What they mean together: see `run_directory`.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

LOCK: Final = "lock"
ORDER: Final = "order.json"
STOP: Final = "stop.json"
STARTED: Final = "started.json"
EXIT: Final = "exit.json"
REPORTED: Final = "reported"
LISTENERS: Final = ".listeners"

Record = dict[str, Any]  # what one of the JSON files holds


def wall_us() -> int:
    """Return the wall time in whole microseconds."""
    return time.time_ns() // 1000


def read(path: Path) -> Record | None:
    """Return a JSON file's object; None when there is none. A torn one is empty: it does exist."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def write(path: Path, value: Record) -> None:
    """Write a JSON file so that readers see all of it or none."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    _write_new(draft, value)
    draft.rename(path)


def write_once(path: Path, value: Record) -> None:
    """Like `write`, but the first writer wins and later ones change nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    _write_new(draft, value)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


@contextmanager
def locked(directory: Path) -> Iterator[int | None]:
    """Hold the run's lock; gives None at once when somebody else has it."""
    fd = take_lock(directory)
    try:
        yield fd
    finally:
        if fd is not None:
            os.close(fd)


def take_lock(directory: Path) -> int | None:
    """Return a descriptor that holds the run's lock until it is closed; None when it is taken."""
    fd = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def _write_new(path: Path, value: Record) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        body = json.dumps(value).encode()
        while body:  # a disk that fills up takes a part first, and refuses the rest
            body = body[os.write(fd, body) :]
    finally:
        os.close(fd)
