"""The last steps before a system is ready: its clock runs as asked, its status page is whole."""

import asyncio
import http.client
import json
from typing import Any, Final
from urllib.parse import urlsplit

from evenflow.cli.launcher.errors import CannotStart
from evenflow.common.runtime.settings import Settings

_ANSWER_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 3.0  # heartbeats come every second
_PERIOD_SECONDS: Final = 0.05


async def settle(url: str, settings: Settings, token: str) -> None:
    """Set the shard's clock and wait until every service was heard of.

    Raises:
        CannotStart: the clock cannot be set.
    """
    status = await _status_heard(url, token)
    if not settings.cluster_choice.is_simulated or not status:
        return
    if status.get("clock", {}).get("rate", 1) == settings.clock.speed:
        return
    body = {"rate": settings.clock.speed}
    code, answer = await asyncio.to_thread(_call, "POST", url, "/api/v1/clock", token, body)
    if code >= http.HTTPStatus.BAD_REQUEST:
        raise CannotStart(f"the clock cannot be set to --speed {settings.clock.speed}: {answer}")


async def _status_heard(url: str, token: str) -> dict[str, Any]:
    """Return the status once it names every service with its pid, or as it is after a while."""
    status: dict[str, Any] = {}
    for _ in range(round(_PATIENCE_SECONDS / _PERIOD_SECONDS)):
        code, answer = await asyncio.to_thread(_call, "GET", url, "/api/v1/status", token)
        if code != http.HTTPStatus.OK or not isinstance(answer, dict):
            return {}  # not a gateway of ours: nothing to wait for
        status = answer
        if all(service.get("pid") for service in status.get("services", {}).values()):
            break
        await asyncio.sleep(_PERIOD_SECONDS)
    return status


def _call(
    method: str, url: str, path: str, token: str, body: dict[str, Any] | None = None
) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=_ANSWER_SECONDS
    )
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()
