"""The lines of a log, gzipped or not, and the instants in them."""

import gzip
import io
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue

_GZIP = b"\x1f\x8b"
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - logs tell local times, and so is this


def lines_of(path: str | Path) -> Iterator[str]:
    """Yield the lines of a file without their ends; bytes that are no UTF-8 are replaced.

    Raises:
        InvalidValue: it cannot be read, or its compression is damaged.
    """
    try:
        with Path(path).open("rb") as raw:
            is_packed = raw.read(2) == _GZIP
            raw.seek(0)
            plain = gzip.GzipFile(fileobj=raw) if is_packed else raw
            with io.TextIOWrapper(plain, encoding="utf-8", errors="replace") as text:
                for line in text:
                    yield line.rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidValue("trace", str(path), f"cannot be read: {reason}") from error


def local_us(text: str) -> int:
    """Return a local instant in ISO form as microseconds since 2000.

    Raises:
        ValueError: it is none, or names a zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError(f"{text} has a zone")
    return round((moment - _EPOCH).total_seconds() * SECOND)
