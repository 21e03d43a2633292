"""A running system that lets other accounts in: by its socket, by tokens, by a provider."""

import asyncio
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from evenflow.common.adapters.accounts import may_change_account
from evenflow.common.testing.other_account import ask_as, known_account
from tests.chaos.system import EVENFLOW, System
from tests.security.oidc_kit import at_the_provider, device_tokens, running_provider

needs_root = pytest.mark.skipif(not may_change_account(), reason="changing accounts takes root")
DAEMON = known_account("daemon")
PASSWORD = "hunter2-of-whoever-ran-up"  # noqa: S105 - what must not be found

CONFIG = """
gateway:
  socket: {home}/door/gateway.sock
  lowest_uid: 2
auth:
  oidc:
    issuer: {issuer}
    client_id: page
    client_secret_file: {home}/client-secret
    device_client_id: command
    roles:
      - {{group: ml, role: member, projects: [default]}}
"""


@pytest.fixture(scope="module")
def issuer():
    with running_provider() as url:
        yield url


@pytest.fixture(scope="module")
def system(issuer):
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="evenflow-") as name:
        home = Path(name)
        home.chmod(0o755)
        (home / "client-secret").write_text("the-page-secret\n")
        config = CONFIG.format(home=home, issuer=issuer)
        running = System(home, config=config, DB_PASSWORD=PASSWORD, HF_TOKEN=PASSWORD)

        async def start():
            await running.start()

        asyncio.run(start())
        try:
            yield running
        finally:
            asyncio.run(running.end())


@pytest.fixture
def rest(system):
    with httpx.Client(base_url=system.state.url, headers=system.headers, timeout=20) as client:
        yield client


def door(system):
    return str(system.home / "door" / "gateway.sock")


def job(command, **more):
    config = {"command": command, "working_directory": "/"}
    asked = {"cpu": "100m", "memory": "256Mi"}
    return {"name": "try", "resources": asked, "executor_config": config, **more}


def told_by(system, answer, rest):
    """Return how a job ended and what it wrote."""
    status, document = answer
    assert status == 201, document
    place = f"/api/v1/jobs/{document['id']}"
    for _ in range(200):
        ended = rest.get(place).json()
        if ended["status"] in {"succeeded", "failed", "cancelled", "timeout"}:
            break
        time.sleep(0.05)
    text = {"accept": "text/plain"}
    return ended, rest.get(f"{place}/logs", headers=text).text


def with_token(system, rest, user, role="member"):
    given = rest.post(
        "/api/v1/tokens", json={"user_id": user, "role": role, "projects": ["default"]}
    )
    headers = {"Authorization": f"Bearer {given.json()['token']}"}
    return httpx.Client(base_url=system.state.url, headers=headers, timeout=20)


@needs_root
def test_another_account_comes_in_by_the_socket_alone_and_as_itself(system):
    assert httpx.get(f"{system.state.url}/api/v1/whoami").status_code == 401
    status, who = ask_as(DAEMON, door(system), "GET", "/api/v1/whoami")
    assert status == 200
    assert who.items() >= {
        "user_id": "daemon", "roles": {"default": "member"}, "credential": "socket",
    }.items()  # fmt: skip
    status, refused = ask_as(DAEMON, door(system), "POST", "/api/v1/nodes/x/cordon")
    assert (status, refused["code"]) == (403, "forbidden")
    status, refused = ask_as(
        DAEMON, door(system), "POST", "/api/v1/jobs", body=job("id", user_id="games")
    )
    assert (status, refused["code"]) == (403, "forbidden")


@needs_root
def test_its_job_runs_as_it_and_reads_nothing_that_is_ours(system, rest):
    system.data.root.chmod(0o755)  # what is in it must be closed all the same
    ours = [str(path) for path in system.data.root.rglob("*")]
    assert any(path.endswith("/secrets/token") for path in ours)
    assert any(path.endswith("/logs/gateway.log") for path in ours)
    (system.home / "door" / "ours").write_text("\n".join(ours))
    script = f"""
        id -un; id -Gn; env | sort
        while read -r path; do
            if head -c 1 "$path" >/dev/null 2>&1 || ls "$path"/ >/dev/null 2>&1
            then echo "OPEN $path"; fi
        done <{system.home}/door/ours
        cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c {PASSWORD}
        ls /proc/self/fd | tr '\\n' ' '
    """
    answer = ask_as(DAEMON, door(system), "POST", "/api/v1/jobs", body=job(["bash", "-c", script]))
    ended, out = told_by(system, answer, rest)
    assert ended["user_id"] == "daemon"
    lines = out.splitlines()
    assert lines[:2] == ["daemon", "daemon"]
    assert [line for line in lines if line.startswith("OPEN")] == []
    assert lines[-2:] == ["0", "0 1 2 3 "]
    seen = dict(line.split("=", 1) for line in lines[2:] if "=" in line)
    assert seen["HOME"] == DAEMON.home
    assert seen["USER"] == seen["LOGNAME"] == "daemon"
    assert not [name for name in seen if name.startswith("EVENFLOW_") and "JOB" not in name
                and name not in {"EVENFLOW_RUN", "EVENFLOW_ATTEMPT", "EVENFLOW_TASK_INDEX",
                                 "EVENFLOW_TASK_COUNT"}]  # fmt: skip


def test_nothing_secret_is_in_arguments_or_in_the_environments_that_we_make(system):
    kept = [path.read_text().strip() for path in (system.data.root / "secrets").iterdir()]
    assert len(kept) > 3
    seen = ""
    for pid in system.pids().values():
        for name in ("cmdline", "environ"):
            seen += Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    assert [secret for secret in kept if secret in seen] == []
    for path in (system.data.root / "secrets").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    for name in ("nats/nats-server.conf", "valkey/valkey.conf", "lock"):
        assert (system.data.root / name).stat().st_mode & 0o777 == 0o600


@needs_root
def test_a_tokens_user_runs_as_the_account_of_that_name_or_not_at_all(system, rest):
    with with_token(system, rest, "games") as games:
        answer = games.post("/api/v1/jobs", json=job("id -un"))
        _, out = told_by(system, (answer.status_code, answer.json()), rest)
        assert out == "games\n"
    for user, told in (
        ("no-account", "which this machine does not have"),
        ("root", "belongs to the system"),
        ("daemon", "gateway.lowest_uid is 2"),
    ):
        with with_token(system, rest, user) as theirs:
            refused = theirs.post("/api/v1/jobs", json=job("id -un"))
            assert (refused.status_code, refused.json()["code"]) == (403, "account_refused")
            assert told in refused.json()["detail"]
            batch = theirs.post("/api/v1/jobs:batch", json={"jobs": [job("id -un")]}).json()
            assert told in batch["jobs"][0]["error"]["detail"]
    assert rest.get("/api/v1/jobs", params={"user_id": "no-account"}).json()["total"] == 0


@needs_root
def test_an_admin_runs_as_the_service_and_others_as_themselves(system, rest):
    for body, account in ((job("id -un"), "root"), (job("id -un", user_id="games"), "games")):
        answer = rest.post("/api/v1/jobs", json=body)
        _, out = told_by(system, (answer.status_code, answer.json()), rest)
        assert out == f"{account}\n"


@needs_root
def test_up_as_root_warns_at_its_start_and_in_the_status(system, rest):
    assert "warning: runs as root" in system.told()
    assert any("as root" in each for each in rest.get("/api/v1/status").json()["warnings"])


@needs_root
def test_the_command_speaks_by_the_socket(system):
    environment = {**os.environ, "EVENFLOW_URL": f"unix://{door(system)}"}
    environment["XDG_DATA_HOME"] = str(system.home / "elsewhere")
    done = subprocess.run(
        [EVENFLOW, "submit", "-f", "--", "id", "-un"],
        env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "root\n"


async def test_a_browser_signs_in_at_the_provider_and_has_the_page(system):
    url = system.state.url
    async with httpx.AsyncClient(base_url=url, timeout=20) as browser:
        begun = await browser.get("/login/oidc")
        assert begun.status_code == 303
        assert "SameSite=lax" in begun.headers["set-cookie"]
        back = await at_the_provider(begun.headers["location"], "ada", f"{url}/login/oidc/callback")
        entered = await browser.get("/login/oidc/callback", params=back)
        assert entered.status_code == 200, entered.text
        who = (await browser.get("/api/v1/whoami")).json()
        assert (who["user_id"], who["roles"]) == ("ada", {"default": "member"})
        assert who["credential"].startswith("session")
        assert (await browser.get("/", headers={"accept": "text/html"})).status_code == 200
        again = await browser.get("/login/oidc/callback", params=back)
        assert again.status_code == 401
        async with browser.stream("GET", "/status-stream") as stream:
            assert stream.status_code == 200
            async for line in stream.aiter_lines():
                if line == "event: snapshot":
                    break


async def test_a_person_of_no_group_with_a_role_stays_outside(system):
    url = system.state.url
    async with httpx.AsyncClient(base_url=url, timeout=20) as browser:
        begun = await browser.get("/login/oidc")
        back = await at_the_provider(
            begun.headers["location"], "nemo", f"{url}/login/oidc/callback"
        )
        refused = await browser.get("/login/oidc/callback", params=back)
        assert refused.status_code == 403
        assert "no group that has a role" in refused.text
        assert (await browser.get("/api/v1/whoami")).status_code == 401


async def test_a_token_of_the_provider_is_a_bearer(system, issuer):
    token = (await device_tokens(issuer))["id_token"]
    async with httpx.AsyncClient(base_url=system.state.url, timeout=20) as client:
        headers = {"Authorization": f"Bearer {token}"}
        who = (await client.get("/api/v1/whoami", headers=headers)).json()
        assert (who["user_id"], who["credential"]) == ("ada", "oidc")
        assert who["roles"] == {"default": "member"}
        refused = await client.post("/api/v1/jobs", json=job("id"), headers=headers)
        if may_change_account():
            assert refused.json()["code"] == "account_refused"
        bad = {"Authorization": f"Bearer {token[:-4]}AAAA"}
        assert (await client.get("/api/v1/whoami", headers=bad)).status_code == 401


def test_the_command_signs_in_by_the_device_flow(system, issuer, tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("EVENFLOW")},
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "EVENFLOW_URL": system.state.url,
        "COLUMNS": "300",
    }
    signing = subprocess.Popen(
        [EVENFLOW, "login", "--oidc"], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    shown = signing.stdout.readline() + signing.stdout.readline()
    (code,) = re.findall(r"shows the code (\S+)\. ", shown)
    httpx.post(f"{issuer}/device", data={"user_code": code, "user": "ada"})
    told, _ = signing.communicate(timeout=60)
    assert "you are ada" in told
    (kept,) = (tmp_path / "evenflow" / "logins").glob("*.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    done = subprocess.run(
        [EVENFLOW, "jobs"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    subprocess.run([EVENFLOW, "logout"], env=environment, check=True, timeout=60)
    assert not kept.exists()
