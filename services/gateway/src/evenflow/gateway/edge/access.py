"""Who may reach this gateway at all, as the settings say it: loopback only, or with a token."""

from ipaddress import ip_address

from evenflow.common.domain.errors import EvenflowError
from evenflow.common.runtime.settings import Settings


def refuse_open_listening(settings: Settings) -> None:
    """Refuse to listen beyond loopback without demanding a token; raises EvenflowError."""
    listen = settings.gateway
    if not listen.require_token and not _is_loopback(listen.host):
        raise EvenflowError(
            f"gateway.host {listen.host} is not loopback: set gateway.require_token and "
            "gateway.token_file, or listen on 127.0.0.1"
        )


def token_of(settings: Settings) -> str | None:
    """Return the token that clients must show.

    Raises:
        EvenflowError: it is demanded, and its file cannot be read or is empty.
    """
    gateway = settings.gateway
    if not gateway.require_token or gateway.token_file is None:
        return None
    try:
        token = gateway.token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise EvenflowError(f"token_file {gateway.token_file}: {error.strerror}") from error
    if not token:
        raise EvenflowError(f"token_file {gateway.token_file} is empty")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
