"""Which running system a program talks to: the one that was named, or the only one there is."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from evenflow.client.discovery.logins import stored_token
from evenflow.client.discovery.running import running_systems
from evenflow.client.errors import NoSystem, SeveralSystems
from evenflow.client.login.kept import Login, kept_logins
from evenflow.common.domain.errors import InvalidValue

URL_VARIABLE = "EVENFLOW_URL"
UNIX = "unix://"
TOKEN_VARIABLE = "EVENFLOW_TOKEN"  # noqa: S105 - the name of the variable, not a token
TOKEN_FILE_VARIABLE = "EVENFLOW_TOKEN_FILE"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway is and what to show it."""

    url: str
    token: str | None = field(default=None, repr=False)
    advice: str = ""
    """Where a token would have been, and why it is not here: said when the gateway refuses."""
    login: Login | None = None
    """Of an identity provider, where there is no other token: it is renewed before it ends."""

    @property
    def socket(self) -> str | None:
        """The path of a Unix socket, when the gateway is there: it knows us without a token."""
        return self.url.removeprefix(UNIX) if self.url.startswith(UNIX) else None

    @property
    def base_url(self) -> str:
        """What requests go to; over a socket the host is only a name."""
        return "http://localhost" if self.socket else self.url


class Running(Protocol):
    """A running `evenflow up`, as its state file tells."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def url(self) -> str:
        """Of its gateway."""

    @property
    def data_dir(self) -> str:
        """Where it keeps everything."""

    @property
    def token_file(self) -> str:
        """Holds the bearer token."""


def find_system(
    url: str | None = None,
    *,
    token: str | None = None,
    environ: Mapping[str, str] = os.environ,
    running: Sequence[Running] | None = None,
) -> Address:
    """Return the system to talk to: `url`, else EVENFLOW_URL, else the one running `evenflow up`.

    Args:
        url: as given by the user; without a scheme it is taken as http; `unix://` and a path is
            the socket that a gateway has for other accounts of its machine.
        token: to show; None: EVENFLOW_TOKEN, else what is in the file EVENFLOW_TOKEN_FILE, else
            that of the running system, else what `evenflow login` stored for the URL.
        environ: where the variables are looked up.
        running: the systems of this machine, newest first; None: look for them.

    Raises:
        NoSystem: nothing was named and nothing runs.
        SeveralSystems: nothing was named and several run.
        InvalidValue: the URL is none, or the file of the token cannot be read.
    """
    named, source = (url, "--url") if url else (environ.get(URL_VARIABLE), URL_VARIABLE)
    token = token or environ.get(TOKEN_VARIABLE) or _of_file(environ.get(TOKEN_FILE_VARIABLE))
    if named:
        checked = _checked(named, source)
        # A token belongs to one system: it is sent nowhere else.
        mine = next((s for s in _systems(running) if s.url == checked), None)
        return _address(checked, token, mine, environ)
    systems = _systems(running)
    if not systems:
        raise NoSystem
    if len(systems) > 1:
        raise SeveralSystems([(each.name, each.url, each.data_dir) for each in systems])
    return _address(systems[0].url, token, systems[0], environ)


def _address(
    url: str,
    token: str | None,
    system: Running | None,
    environ: Mapping[str, str],
) -> Address:
    if token is not None or url.startswith(UNIX):
        return Address(url, token)
    advice = ""
    if system is not None:
        try:
            found = Path(system.token_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            advice = f"Its token is in {system.token_file}, which you cannot read: {error.strerror}"
        else:
            if found:
                return Address(url, found)
            advice = f"The file of its token, {system.token_file}, is empty"
    if stored := stored_token(url, environ):
        return Address(url, stored)
    if kept := kept_logins(environ).of(url):
        return Address(url, login=kept)
    return Address(url, None, advice)


def _of_file(name: str | None) -> str | None:
    if not name:
        return None
    try:
        found = Path(name).read_text(encoding="utf-8").strip()
    except OSError as error:
        rule = f"must be a file with a token that you can read ({error.strerror})"
        raise InvalidValue(TOKEN_FILE_VARIABLE, name, rule) from error
    if not found:
        raise InvalidValue(TOKEN_FILE_VARIABLE, name, "must hold a token; it is empty")
    return found


def _systems(running: Sequence[Running] | None) -> Sequence[Running]:
    if running is not None:
        return running

    return running_systems()


def _checked(text: str, source: str) -> str:
    if text.startswith(UNIX):
        if not text.removeprefix(UNIX).startswith("/"):
            raise InvalidValue(source, text, "must be unix:// and an absolute path")
        return text
    url = (text if "://" in text else f"http://{text}").rstrip("/")
    parts = urlsplit(url)
    try:
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        is_url = False
    if not is_url:
        rule = "must be a URL such as http://127.0.0.1:8600, or unix:///run/evenflow.sock"
        raise InvalidValue(source, text, rule)
    return url
