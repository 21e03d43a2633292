"""The tokens that a person got for a gateway: one file each, readable by nobody else."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

_PRIVATE_DIRECTORY: Final = 0o700
_PRIVATE_FILE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Login:
    """Tokens for one gateway, and what it takes to renew them."""

    url: str  # of the gateway
    client_id: str
    token_endpoint: str
    kind: str  # which of the provider's tokens the gateway takes: id_token or access_token
    token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: float  # wall seconds
    scope: str = ""
    audience: str | None = None


class Logins:
    """All that one account keeps."""

    def __init__(self, directory: Path) -> None:
        """Nothing is read or made yet."""
        self._directory = directory

    def of(self, url: str) -> Login | None:
        """Return what is kept for a gateway; None: nothing, or nothing that can be read."""
        try:
            return Login(**json.loads(self._path(url).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, login: Login) -> Path:
        """Write it; whole or not at all."""
        self._directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        path = self._path(login.url)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(login), file)
        draft.replace(path)
        return path

    def forget(self, url: str) -> bool:
        """Remove it; whether there was one."""
        with suppress(FileNotFoundError):
            self._path(url).unlink()
            return True
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time renew: a refresh token is often good for one use."""
        self._directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        descriptor = os.open(self._directory / ".lock", os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _path(self, url: str) -> Path:
        return self._directory / f"{sha256(url.encode()).hexdigest()[:32]}.json"


def kept_logins(environ: Mapping[str, str] = os.environ) -> Logins:
    """Return those of this account."""
    base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Logins(Path(base) / "evenflow" / "logins")
