"""Which token a client shows, and what it says when it has none that opens anything."""

import stat
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from evenflow.cli.display.problems import lines_of
from evenflow.client import ApiProblem, Client, find_system
from evenflow.client.discovery.find import Address
from evenflow.client.discovery.logins import logins_file, store_token, stored_token
from evenflow.common.domain.errors import InvalidValue

URL = "http://127.0.0.1:1"


@dataclass(frozen=True)
class System:
    token_file: str
    name: str = "one"
    url: str = URL
    data_dir: str = "/one"


def file_of(folder: Path, text: str) -> str:
    path = folder / "token"
    path.write_text(f"{text}\n")
    return str(path)


def test_the_nearest_token_is_shown(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    (tmp_path / "up").mkdir()
    (tmp_path / "file").mkdir()
    running = [System(file_of(tmp_path / "up", "of-up"))]
    named = {**environ, "EVENFLOW_TOKEN_FILE": file_of(tmp_path / "file", "of-file")}
    store_token(URL, "stored", environ)

    def shown(environ: dict[str, str], token: str | None = None, *, up: bool = True) -> str | None:
        return find_system(URL, token=token, environ=environ, running=running if up else []).token

    assert shown({**named, "EVENFLOW_TOKEN": "variable"}, "argument") == "argument"
    assert shown({**named, "EVENFLOW_TOKEN": "variable"}) == "variable"
    assert shown(named) == "of-file"
    assert shown(environ) == "of-up"
    assert shown(environ, up=False) == "stored"


def test_a_stored_token_is_private_and_of_one_gateway(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    path = store_token(URL, "secret", environ)
    store_token("http://other:1", "other", environ)
    assert path == logins_file(environ)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stored_token(URL, environ) == "secret"
    store_token(URL, None, environ)
    assert stored_token(URL, environ) is None
    assert stored_token("http://other:1", environ) == "other"


def test_a_token_is_not_shown_by_its_address() -> None:
    assert "secret" not in repr(Address(URL, "secret"))


@pytest.mark.parametrize("content", [None, ""])
def test_a_named_file_without_a_token_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidValue, match="EVENFLOW_TOKEN_FILE"):
        find_system(URL, environ={"EVENFLOW_TOKEN_FILE": str(path)}, running=[])


def refused(address: Address) -> str:
    """What the command line says to a 401."""
    body = {"status": 401, "code": "unauthorized", "detail": "show a token"}
    headers = {"content-type": "application/problem+json"}
    answer = httpx.Response(401, json=body, headers=headers)
    transport = httpx.MockTransport(lambda _: answer)
    with pytest.raises(ApiProblem) as raised, Client(address=address, transport=transport) as it:
        it.status()
    return "\n".join(lines_of(raised.value))


def test_who_cannot_read_the_token_is_told_which_file_and_what_to_do(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    # A folder: the only file that no account at all can read as one.
    address = find_system(environ=environ, running=[System(str(tmp_path))])
    said = refused(address)
    assert str(tmp_path) in said
    assert f"evenflow login --url {URL}" in said
    assert "evenflow token create" in said


def test_who_shows_an_old_token_is_told_so() -> None:
    assert "opens nothing" in refused(Address(URL, "old"))
