"""The token of a file, for a gateway started alone and under `evenflow up`."""

import stat
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from evenflow.cli.launcher.layout.plan import Options, make_plan
from evenflow.common.domain.errors import EvenflowError
from evenflow.common.runtime.settings import load
from evenflow.common.testing.servers.nats import NatsServer
from evenflow.gateway.access.bootstrap import bootstrap_of, refuse_open_listening
from tests.security.conftest import Gateway, start_gateway, stop

OPEN: Final = {"EVENFLOW_GATEWAY__REQUIRE_TOKEN": "false"}


class Said:
    """A log that remembers its warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, event: str, **_: Any) -> None:
        self.warnings.append(event)


def settings_of(**variables: str) -> Any:
    return load(environ=variables, dotenv=None)


def test_a_gateway_alone_makes_its_token(gateway: Gateway) -> None:
    path = gateway.data / "secrets" / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(gateway.file_token) > 40


def test_a_token_file_of_ones_own_is_obeyed_and_no_other(
    broker: NatsServer, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.touch(mode=0o600)
    own.write_text("my-own-token\n")
    running = start_gateway(tmp_path / "data", broker, EVENFLOW_GATEWAY__TOKEN_FILE=str(own))
    try:
        with running.client("my-own-token") as client:
            assert client.get("/api/v1/whoami").json()["roles"] == {"*": "admin"}
        assert not (tmp_path / "data" / "secrets" / "token").exists()
    finally:
        stop(running)


def test_up_hands_the_token_file_of_the_settings_to_its_gateway(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    usual = make_plan(Options(data_dir=tmp_path / "d"), environ)
    assert usual.token_file == tmp_path / "d" / "secrets" / "token"
    own = {**environ, "EVENFLOW_GATEWAY__TOKEN_FILE": str(tmp_path / "own")}
    assert make_plan(Options(data_dir=tmp_path / "d"), own).token_file == tmp_path / "own"


def test_without_a_token_everybody_on_loopback_may_everything_and_is_warned(
    broker: NatsServer, tmp_path: Path
) -> None:
    running = start_gateway(tmp_path, broker, **OPEN)
    try:
        status = httpx.get(f"{running.url}/api/v1/status").json()
        assert "require_token is false" in status["services"]["gateway"]["reasons"]["access"]
        assert httpx.get(f"{running.url}/api/v1/whoami").json()["credential"] == "open"
        with running.client("anything") as client:  # what is shown is looked at all the same
            assert client.get("/api/v1/whoami").status_code == 401
    finally:
        stop(running)


@pytest.mark.parametrize(("host", "is_refused"), [("10.0.0.1", True), ("::", True), ("::1", False)])
def test_without_a_token_it_listens_on_loopback_alone(host: str, is_refused: bool) -> None:  # noqa: FBT001
    settings = settings_of(**OPEN, EVENFLOW_GATEWAY__HOST=host)
    if is_refused:
        with pytest.raises(EvenflowError, match="require_token"):
            refuse_open_listening(settings)
    else:
        refuse_open_listening(settings)


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_token_file_without_a_token_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    settings = settings_of(EVENFLOW_GATEWAY__TOKEN_FILE=str(path))
    with pytest.raises(EvenflowError, match=str(path)):
        bootstrap_of(settings, Said())  # type: ignore[arg-type]


def test_a_token_that_others_may_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret")
    path.chmod(0o644)
    said = Said()
    bootstrap_of(settings_of(EVENFLOW_GATEWAY__TOKEN_FILE=str(path)), said)  # type: ignore[arg-type]
    assert said.warnings == ["token_readable_by_others"]
