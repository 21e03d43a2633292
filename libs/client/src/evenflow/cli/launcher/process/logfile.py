"""What a child writes, kept in a file that never grows without bound.

A file that cannot be written, because its disk is full or gone, loses what is written to it, and
says so when there is room again: whoever reads a child's pipe must never stop.
"""

import os
from pathlib import Path
from typing import BinaryIO, Final

MAX_BYTES: Final = 10 * 2**20
KEPT: Final = 3


class RotatingFile:
    """Appends to `path`; beyond `max_bytes` it becomes `.1`, `.1` becomes `.2`, the last goes."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        """Nothing is opened before the first write."""
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._file: BinaryIO | None = None
        self._size = 0
        self._lost = 0
        self._reason = ""

    def write(self, data: bytes) -> None:
        """Append, or count what is lost; turns the file over when it would grow too large."""
        try:
            if self._lost:
                told = f"[{self._lost} bytes were not written here: {self._reason}]\n"
                self._append(told.encode())
                self._lost = 0
            self._append(data)
        except OSError as error:
            self._lost += len(data)
            self._reason = error.strerror or str(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, data: bytes) -> None:
        if self._file is None:
            # What services log may hold what only the owner of the system may read.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file = os.fdopen(descriptor, "ab", buffering=0)
            os.fchmod(descriptor, 0o600)
            self._size = os.fstat(descriptor).st_size
        if self._size and self._size + len(data) > self._max_bytes:
            self._turn_over()
            self._append(data)
            return
        while data:
            written = self._file.write(data) or 0
            self._size += written
            data = data[written:]

    def _turn_over(self) -> None:
        self.close()
        for number in range(self._kept, 0, -1):
            older = self._name(number - 1)
            if older.exists():
                older.replace(self._name(number))
        self._size = 0

    def _name(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path


def tail(path: Path, lines: int = 8) -> str:
    """Return the last lines of a log, for an error message."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
