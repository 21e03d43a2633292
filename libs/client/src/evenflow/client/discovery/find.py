"""Which running system a program talks to: the one that was named, or the only one there is."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from evenflow.client.discovery.running import running_systems
from evenflow.client.errors import NoSystem, SeveralSystems
from evenflow.client.login.kept import Login, kept_logins
from evenflow.common.domain.errors import InvalidValue

URL_VARIABLE = "EVENFLOW_URL"
UNIX = "unix://"
TOKEN_VARIABLE = "EVENFLOW_TOKEN"  # noqa: S105 - the name of the variable, not a token


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway is and what to show it."""

    url: str
    token: str | None = None
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
    environ: Mapping[str, str] = os.environ,
    running: Sequence[Running] | None = None,
    with_login: bool = True,
) -> Address:
    """Return the system to talk to: `url`, else EVENFLOW_URL, else the one running `evenflow up`.

    Args:
        url: as given by the user; without a scheme it is taken as http; `unix://` and a path is
            the socket that a gateway has for other accounts of its machine.
        environ: where EVENFLOW_URL and EVENFLOW_TOKEN are looked up.
        running: the systems of this machine, newest first; None: look for them.
        with_login: take what `evenflow login` has kept where no other token is known.

    Raises:
        NoSystem: nothing was named and nothing runs.
        SeveralSystems: nothing was named and several run.
        InvalidValue: the URL is none.
    """
    named, source = (url, "--url") if url else (environ.get(URL_VARIABLE), URL_VARIABLE)
    token = environ.get(TOKEN_VARIABLE) or None
    if named:
        checked = _checked(named, source)
        # A token belongs to one system: it is sent nowhere else.
        mine = token or next((_token(s) for s in _systems(running) if s.url == checked), None)
        is_known = mine is not None or checked.startswith(UNIX)
        kept = None if is_known or not with_login else kept_logins(environ).of(checked)
        return Address(checked, mine, kept)
    systems = _systems(running)
    if not systems:
        raise NoSystem
    if len(systems) > 1:
        raise SeveralSystems([(each.name, each.url, each.data_dir) for each in systems])
    return Address(systems[0].url, token or _token(systems[0]))


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


def _token(system: Running) -> str | None:
    try:
        return Path(system.token_file).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None  # somebody else's system: it will say so if it wants one
