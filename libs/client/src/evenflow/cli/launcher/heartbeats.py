"""The last steps before a system is called ready: what is asked of its gateway."""

import asyncio
import http.client
import json
from typing import Any, Final
from urllib.parse import urlsplit

_ANSWER_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 3.0  # heartbeats come every second
_PERIOD_SECONDS: Final = 0.05


async def wait_heartbeats(url: str, token: str) -> None:
    """Wait until all is well in the eyes of the gateway, or for a few seconds at most."""
    for _ in range(round(_PATIENCE_SECONDS / _PERIOD_SECONDS)):
        code, status = await asyncio.to_thread(_status, url, token)
        if code != http.HTTPStatus.OK or not isinstance(status, dict):
            return  # not a gateway of ours: nothing to wait for
        if status.get("state") == "ready":
            return
        await asyncio.sleep(_PERIOD_SECONDS)


def login_path(url: str, token: str) -> str:
    """Return the path of a one-time link to the page; empty when the gateway gives none."""
    code, link = _ask("POST", f"{url}/api/v1/login-links", token)
    if code != http.HTTPStatus.CREATED or not isinstance(link, dict):
        return ""
    return str(link.get("path", ""))


def _status(url: str, token: str) -> tuple[int, Any]:
    return _ask("GET", f"{url}/api/v1/status", token)


def _ask(method: str, url: str, token: str) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=_ANSWER_SECONDS
    )
    try:
        connection.request(method, parts.path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()
