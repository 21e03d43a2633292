"""The token of a file: the first way in, admin of everything. Made when its file is missing."""

import getpass
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from evenflow.common.domain.errors import EvenflowError
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.settings import Settings
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role

FILE_CREDENTIAL: Final = "token:file"
"""How the token of the file is named in the audit."""
OPEN_ADVICE: Final = (
    "gateway.require_token is false: whoever reaches this machine's loopback may do everything "
    "as this account"
)
_PRIVATE_FILE: Final = 0o600
_PRIVATE_DIRECTORY: Final = 0o700


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The token of the file, and whose it is."""

    token: str = field(repr=False)
    user: str

    @property
    def parent(self) -> str:
        """What sessions that came from it name: another token ends them."""
        return f"file:{hashlib.sha256(self.token.encode()).hexdigest()[:16]}"

    @property
    def principal(self) -> Principal:
        """Who shows it."""
        return Principal(self.user, {EVERY_PROJECT: Role.ADMIN}, FILE_CREDENTIAL)

    def fits(self, text: str) -> bool:
        """Whether that is the token; in constant time."""
        return hmac.compare_digest(text.encode(), self.token.encode())


def refuse_open_listening(settings: Settings) -> None:
    """Refuse to listen beyond loopback without demanding a token; raises EvenflowError."""
    listen = settings.gateway
    if not listen.require_token and not _is_loopback(listen.host):
        raise EvenflowError(
            f"gateway.host {listen.host} is not loopback: leave gateway.require_token true, or "
            "listen on 127.0.0.1"
        )


def bootstrap_of(settings: Settings, log: Logger) -> Bootstrap | None:
    """Return the token of the file; None when nobody has to show one.

    `gateway.token_file` is read, else `secrets/token` of the data directory, which is made when it
    is missing.

    Raises:
        EvenflowError: the file cannot be read or made, or is empty.
    """
    gateway = settings.gateway
    if not gateway.require_token:
        log.warning("access_open", advice=OPEN_ADVICE)
        return None
    path = gateway.token_file or settings.data_dir / "secrets" / "token"
    try:
        if gateway.token_file is None and not path.exists():
            _make(path)
        token = path.read_text(encoding="utf-8").strip()
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise EvenflowError(f"token_file {path}: {error.strerror}") from error
    if not token:
        raise EvenflowError(f"token_file {path} is empty")
    if mode & 0o077:
        log.warning("token_readable_by_others", path=str(path), advice=f"chmod 600 {path}")
    return Bootstrap(token, own_account())


def own_account() -> str:
    """Return the name of the account that this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.geteuid()}"


def _make(path: Path) -> None:
    path.parent.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{secrets.token_urlsafe(32)}\n")
    try:
        os.link(draft, path)  # whoever was faster wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
