"""A client that goes away in the middle of a body is no error, and nothing it showed is logged."""

import io
import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from evenflow.common.runtime.logging import configure_logging
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.settings import LogSettings
from evenflow.gateway.edge.bounds import RequestBounds
from evenflow.gateway.edge.budget import RequestBudget
from evenflow.gateway.edge.guard import Guard


async def _reads(scope: Scope, receive: Receive, send: Send) -> None:
    await Request(scope, receive).body()


async def _breaks(scope: Scope, receive: Receive, send: Send) -> None:
    hidden = "ENV-OF-ALICE"
    raise RuntimeError(
        "Authorization: Bearer MY-SECRET-TOKEN at nats://user:PASS@host:4222", len(hidden)
    )


async def _nothing(*_: object) -> None:
    pass


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("app", [_reads, _breaks])
async def test_nothing_secret_is_logged(app: Any, form: Any) -> None:
    out = io.StringIO()
    log = configure_logging(LogSettings(format=form), service="gateway", shard="main", stream=out)
    metrics = Metrics(service="gateway", shard="main", version="")
    guard = Guard(
        app,
        metrics=metrics,
        log=log,
        hosts=(),
        prepare=_nothing,
        identify=lambda _scope, _headers: pytest.fail("this path is open"),
        open_paths=["/x"],
        login_page=Response,
        bounds=RequestBounds(),
        budget=RequestBudget(0),
    )
    headers = [(b"host", b"localhost"), (b"authorization", b"Bearer MY-SECRET-TOKEN")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "headers": headers,
        "query_string": b"",
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(scope, receive, send)
    text = out.getvalue()
    if app is _reads:
        assert (text, sent) == ("", [])
    else:
        assert "RuntimeError" in text
        assert sent[0]["status"] == 500
    for secret in ("MY-SECRET-TOKEN", "ENV-OF-ALICE", "PASS@"):
        assert secret not in text
    if text and form == "json":
        assert json.loads(text)["event"] == "request_failed"
