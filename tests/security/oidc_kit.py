"""An OpenID provider that runs, and what people do at it; for the tests of this folder."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

HERE = "http://localhost:8600/login/oidc/callback"


@contextmanager
def running_provider() -> Iterator[str]:
    """Run a provider while the context is open; give its issuer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.security.oidc_provider"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    yield json.loads(process.stdout.readline())["issuer"]
    process.stdin.close()
    process.wait(5)


async def at_the_provider(url, user="ada", back=HERE):
    """Do what a person does in a browser; return the query that it is sent back with."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert (await browser.get(url)).status_code == 200
        answer = await browser.post(url, data={"user": user})
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(back)
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def device_tokens(issuer, user="ada", client="command", **more):
    async with httpx.AsyncClient(trust_env=False, base_url=issuer) as http:
        asked = {"client_id": client, "scope": "openid profile"}
        begun = (await http.post("/device_authorization", data=asked)).json()
        await http.post("/device", data={"user_code": begun["user_code"], "user": user})
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": begun["device_code"],
            "client_id": client,
            **more,
        }
        answer = await http.post("/token", data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()
