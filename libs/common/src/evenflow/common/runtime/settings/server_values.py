"""What the sections of servers share: secrets out of files, and URLs that hold none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def secret_from_file(name: str) -> Callable[[Any], Any]:
    """Fill a field from `<name>_file`: only the path stands in files and environments."""

    def fill(section: Any) -> Any:
        if not isinstance(section, dict) or not (path := section.get(f"{name}_file")):
            return section
        if section.get(name):
            raise ValueError(f"{name} and {name}_file are both given; keep one")
        return {**section, name: _read(name, Path(str(path)))}

    return fill


def _read(name: str, path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ValueError(f"{name}_file {path} cannot be read: {reason}") from error
    if not secret:
        raise ValueError(f"{name}_file {path} is empty")
    return secret


def server_url(url: str, schemes: tuple[str, ...], hides_in: str = "password_file") -> str:
    """Return the URL if it is one of these schemes, with a host and without a password.

    Raises:
        ValueError: it is not; `hides_in` is where a password belongs.
    """
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"must be a URL of {' or '.join(schemes)} with a host")
    if parts.password:
        raise ValueError(f"holds a password; put that into {hides_in}")
    return url
