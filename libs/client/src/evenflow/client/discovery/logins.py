"""Tokens that a user has stored with `evenflow login`: one a gateway, in a file of their own."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PRIVATE_FILE: Final = 0o600
_PRIVATE_DIRECTORY: Final = 0o700


def logins_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where a user's tokens lie (XDG)."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "evenflow" / "logins.json"


def stored_token(url: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the token stored for a gateway; None when there is none."""
    return _read(logins_file(environ)).get(url)


def store_token(url: str, token: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Store a token for a gateway, or forget the one there; returns the file, mode 0600."""
    path = logins_file(environ)
    path.parent.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    kept = _read(path)
    kept.pop(url, None)
    if token is not None:
        kept[url] = token
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1)
    draft.replace(path)
    return path


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(url): str(token) for url, token in found.items()} if isinstance(found, dict) else {}
