"""Before any route: who may ask, how long it took, every error as a problem. Pure ASGI."""

import hmac
import time
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evenflow.common.domain.errors import EvenflowError
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.metrics import Metrics
from evenflow.gateway.edge.problems import MEDIA_TYPE, Forbidden, Unauthorized, body_of, problem_of

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
REQUEST_ID: Final = "X-Request-Id"
_CLIENT_CLOSED: Final = 499  # what proxies note for who went away


class Guard:
    """Wraps the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        log: Logger,
        hosts: Iterable[str],
        token: str | None,
    ) -> None:
        """`hosts` may be named besides loopback; `token` None: nobody has to show one."""
        self._app = app
        self._log = log
        self._hosts = _LOOPBACK | {host.lower() for host in hosts}
        self._token = token
        self._requests = metrics.counter(
            "http_requests_total", "Requests answered, by route and outcome.", ("route", "outcome")
        )
        self._seconds = metrics.histogram(
            "http_request_seconds", "From the request's head to the answer's head.", ("route",)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = headers.get(REQUEST_ID, "")[:64]
        if not request_id.isalnum():
            request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
                self._count(scope, status, time.perf_counter() - began)
            await send(message)

        try:
            self._check(scope, headers)
            await self._app(scope, receive, send_counted)
        except ClientDisconnect:
            # Nobody is there to be answered, and nothing is wrong with the gateway.
            self._count(scope, _CLIENT_CLOSED, time.perf_counter() - began)
        except Exception as error:  # the one place where any error becomes an answer
            if status:
                raise  # the answer is under way: only the connection can still say that it broke
            if not isinstance(error, EvenflowError):
                self._log.exception("request_failed", path=scope["path"], request_id=request_id)
                error = EvenflowError("internal")
            problem, extra = problem_of(error)
            answer = Response(body_of(problem), problem["status"], extra, MEDIA_TYPE)
            await answer(scope, receive, send_counted)

    def _check(self, scope: Scope, headers: Headers) -> None:
        host = _host_of(headers.get("host", ""))
        if host not in self._hosts:
            raise Forbidden(
                f"this gateway is not called {host!r}; gateway.allowed_hosts may name it"
            )
        origin = headers.get("origin")
        if scope["method"] not in _SAFE and origin is not None:
            found = _host_of(urlsplit(origin).netloc) if "://" in origin else origin
            if found not in self._hosts:
                raise Forbidden(f"requests from pages of {origin[:80]} are refused")
        if self._token is not None and scope["path"] not in _OPEN_PATHS:
            given = headers.get("authorization", "").removeprefix("Bearer ").strip()
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                raise Unauthorized("show the bearer token: Authorization: Bearer <token>")

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        outcome = "ok" if status < 400 else "refused" if status < 500 else "failed"  # noqa: PLR2004
        self._requests.labels(route, outcome).inc()
        self._seconds.labels(route).observe(seconds)


def _host_of(netloc: str) -> str:
    name = netloc.rpartition("@")[2].lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]
