"""Before any route: who asks, how long it took, every error as a problem. Pure ASGI."""

import time
from collections.abc import Awaitable, Callable, Iterable
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
from evenflow.gateway.edge.bounds import RequestBounds
from evenflow.gateway.edge.budget import RequestBudget
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.edge.problems import (
    MEDIA_TYPE,
    Forbidden,
    Unauthorized,
    body_of,
    problem_of,
)

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
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
        prepare: Callable[[str | None], Awaitable[None]],
        identify: Callable[[Scope, Headers], Principal],
        open_paths: Iterable[str],
        login_page: Callable[[], Response],
        bounds: RequestBounds,
        budget: RequestBudget,
    ) -> None:
        """Let nobody through whom `identify` does not know.

        Args:
            app: what is wrapped.
            metrics: where requests are counted.
            log: where errors of ours go.
            hosts: may be named besides loopback.
            prepare: takes `Authorization` before `identify`, where that needs an answer of others.
            identify: tells who sends a request, or raises Unauthorized or Forbidden.
            open_paths: are answered to everybody.
            login_page: what people see who come with a browser and without a session.
            bounds: how large a head may be, how long a body may take.
            budget: how many requests a user may send.
        """
        self._app = app
        self._log = log
        self._hosts = _LOOPBACK | {host.lower() for host in hosts}
        self._prepare = prepare
        self._identify = identify
        self._open_paths = frozenset(open_paths)
        self._login_page = login_page
        self._bounds = bounds
        self._budget = budget
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
            self._bounds.check_head(scope)
            self._check(scope, headers)
            if scope["path"] not in self._open_paths:
                await self._prepare(headers.get("authorization"))
                principal = self._identify(scope, headers)
                scope["state"]["principal"] = principal
                self._budget.take(principal)
            await self._app(scope, self._bounds.timed(receive), send_counted)
        except ClientDisconnect:
            # Nobody is there to be answered, and nothing is wrong with the gateway.
            self._count(scope, _CLIENT_CLOSED, time.perf_counter() - began)
        except Exception as error:  # the one place where any error becomes an answer
            if status:
                raise  # the answer is under way: only the connection can still say that it broke
            if not isinstance(error, EvenflowError):
                self._log.exception("request_failed", path=scope["path"], request_id=request_id)
                error = EvenflowError("internal")
            await self._answer(error, scope, headers)(scope, receive, send_counted)

    def _answer(self, error: EvenflowError, scope: Scope, headers: Headers) -> Response:
        if isinstance(error, Unauthorized) and _is_browser(scope, headers):
            return self._login_page()
        problem, extra = problem_of(error)
        return Response(body_of(problem), problem["status"], extra, MEDIA_TYPE)

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

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        outcome = "ok" if status < 400 else "refused" if status < 500 else "failed"  # noqa: PLR2004
        self._requests.labels(route, outcome).inc()
        self._seconds.labels(route).observe(seconds)


def _is_browser(scope: Scope, headers: Headers) -> bool:
    """Whether a person looks at the answer: of programs none asks for HTML."""
    return scope["method"] == "GET" and "text/html" in headers.get("accept", "")


def _host_of(netloc: str) -> str:
    name = netloc.rpartition("@")[2].lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]
