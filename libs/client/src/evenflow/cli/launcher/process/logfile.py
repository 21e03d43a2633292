"""What a child writes, kept in a file that never grows without bound."""

import os
from pathlib import Path
from typing import BinaryIO, Final

MAX_BYTES: Final = 10 * 2**20
KEPT: Final = 3


class RotatingFile:
    """Appends to `path`; beyond `max_bytes` it becomes `.1`, `.1` becomes `.2`, the last goes."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        """Open for appending."""
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._file: BinaryIO = _opened(path)
        self._size = path.stat().st_size

    def write(self, data: bytes) -> None:
        """Append; turns the file over first when it would grow too large."""
        if self._size and self._size + len(data) > self._max_bytes:
            self._turn_over()
        self._file.write(data)
        self._size += len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _turn_over(self) -> None:
        self._file.close()
        for number in range(self._kept, 0, -1):
            older = self._name(number - 1)
            if older.exists():
                older.replace(self._name(number))
        self._file = _opened(self._path)
        self._size = 0

    def _name(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path


def _opened(path: Path) -> BinaryIO:
    """Open for appending; only who runs this may read it: a log tells whose jobs there are."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    file = os.fdopen(number, "ab", buffering=0)
    os.fchmod(file.fileno(), 0o600)  # one that was made before, too
    return file


def tail(path: Path, lines: int = 8) -> str:
    """Return the last lines of a log, for an error message."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
