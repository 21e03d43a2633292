"""Wait until every service says that it is ready. Asks over HTTP; starts nothing."""

import asyncio
import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from evenflow.cli.launcher.layout.datadir import DataDir
from evenflow.cli.launcher.layout.errors import CannotStart
from evenflow.cli.launcher.process.child import Child
from evenflow.cli.launcher.process.logfile import tail
from evenflow.cli.launcher.services import status_file

_PERIOD_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 1.0
_BAD_SETTINGS: Final = 2  # the exit code that says: starting again changes nothing
_TOO_MANY_EXITS: Final = 5


async def unready(services: Mapping[str, Child], data: DataDir, gateway_url: str) -> dict[str, str]:
    """Return what each service that is not ready waits for; empty when all are."""
    names = list(services)
    answers = await asyncio.gather(*(_reasons(name, services[name], data) for name in names))
    waiting = {name: reason for name, reason in zip(names, answers, strict=True) if reason}
    if not waiting and (reason := await _ask(gateway_url)):
        waiting["gateway"] = reason
    return waiting


async def wait_ready(
    services: Mapping[str, Child], data: DataDir, gateway_url: str, *, stopping: asyncio.Event
) -> bool:
    """Wait until all are ready; false when `stopping` was set first.

    Raises:
        CannotStart: a service refuses its settings, or keeps failing.
    """
    while not stopping.is_set():
        for child in services.values():
            _give_up_on(child)
        if not await unready(services, data, gateway_url):
            return True
        await asyncio.sleep(_PERIOD_SECONDS)
    return False


def _give_up_on(child: Child) -> None:
    if not child.exits:
        return
    name, log = child.spec.name, child.spec.log
    if child.last_exit == _BAD_SETTINGS:
        raise CannotStart(f"{name} cannot use its settings:\n{tail(log)}")
    if child.exits >= _TOO_MANY_EXITS:
        raise CannotStart(f"{name} ended {child.exits} times; the end of {log}:\n{tail(log)}")


async def _reasons(name: str, child: Child, data: DataDir) -> str:
    try:
        status = json.loads(status_file(data, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "is starting"
    if status.get("pid") != child.pid:
        return "is starting again"
    return await _ask(str(status["url"]))


async def _ask(url: str) -> str:
    return await asyncio.to_thread(_readyz, url)


def _readyz(url: str) -> str:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
    if parts.scheme == "https":
        # Our own child, and nothing secret is sent: its certificate may name it otherwise.
        any_certificate = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection = http.client.HTTPSConnection(
            host, port, timeout=_ANSWER_SECONDS, context=any_certificate
        )
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == http.HTTPStatus.OK:
            return ""
        reasons = json.loads(body).get("reasons", {})
        return "; ".join(f"{key}: {told}" for key, told in reasons.items()) or "is not ready"
    except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
        return f"does not answer ({error or type(error).__name__})"
    finally:
        connection.close()
