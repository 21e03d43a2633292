"""`evenflow token`, `login`, `logout`, `open` and what names no user, against a real gateway."""

import json
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from evenflow.cli.main import app
from tests.security.conftest import Gateway


@pytest.fixture
def run(gateway: Gateway, tmp_path: Path) -> Any:
    def run(*words: str, token: str | None = None, typed: str | None = None) -> Result:
        environment = {
            "EVENFLOW_URL": gateway.url,
            "EVENFLOW_TOKEN": token,
            "EVENFLOW_TOKEN_FILE": None,
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "XDG_DATA_HOME": str(tmp_path / "share"),
            "COLUMNS": "200",
        }
        return CliRunner().invoke(app, words, input=typed, env=environment)

    return run


def test_a_token_is_given_stored_used_and_revoked(gateway: Gateway, run: Any) -> None:
    admin = gateway.file_token
    words = ("token", "create", "--user", "zoe", "--project", "a", "--expires", "90d")
    given = run(*words, token=admin).stdout.strip()
    assert given.startswith("evf_")
    listed = run("token", "list", token=admin).stdout
    (line,) = [line for line in listed.splitlines() if " zoe " in line]
    assert "member of a" in line
    assert given.rpartition("_")[2] not in listed

    refused = run("jobs")
    assert refused.exit_code == 1
    assert f"evenflow login --url {gateway.url}" in refused.stderr
    stored = run("login", typed=f"{given}\n")
    assert "you are zoe" in stored.stdout, stored.output
    config = next(Path(word.rstrip("\n")) for word in stored.stdout.split() if "logins" in word)
    assert stat.S_IMODE(config.stat().st_mode) == 0o600

    who = run("whoami").stdout
    assert "you are zoe" in who
    assert "member of a" in who
    job = run("submit", "--queue", "a/q", "--json", "--simulate-seconds", "9")
    assert json.loads(job.stdout)["user_id"] == "zoe", job.output
    named = run("submit", "--queue", "a/q", "--user", "eve", "--simulate-seconds", "9")
    assert named.exit_code == 1
    assert "you are 'zoe'" in named.stderr
    mine = run("cancel", "--mine", "--all", "--yes", "--json")
    assert [each["job"]["user_id"] for each in json.loads(mine.stdout)] == ["zoe"]

    token_id = given.split("_")[1]
    assert "is revoked" in run("token", "revoke", token_id, token=admin).stdout
    gone = run("jobs")
    assert gone.exit_code == 1
    assert "opens nothing" in gone.stderr
    assert run("logout").exit_code == 0
    assert "opens nothing" not in run("jobs").stderr


def test_login_refuses_what_is_no_token(run: Any) -> None:
    assert run("login", typed="evf_x\n").exit_code == 1
    assert run("login", "--token", "-", typed="\n").exit_code == 2


def test_open_prints_a_link_that_opens_the_page_once(gateway: Gateway, run: Any) -> None:
    link = run("open", "--no-browser", token=gateway.tokens["viewer", "a"]).stdout.strip()
    with httpx.Client() as browser:
        assert "You are in as viewer-a" in browser.get(link).text
        assert browser.get(gateway.url).status_code == 200
    assert httpx.get(link).status_code == 401
