"""What went wrong, as `application/problem+json`, the same for REST and for requests on the bus."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import ValidationError
from typing_extensions import TypedDict

from evenflow.common.domain.errors import (
    EvenflowError,
    LogFull,
    LogMismatch,
    RequestRejected,
    RevisionConflict,
    TemporarilyUnavailable,
)
from evenflow.gateway.values.rejections import BrokenRules

MEDIA_TYPE: Final = "application/problem+json"
_SHOWN: Final = 200  # characters of a bad value: enough to recognise it


class BrokenRule(TypedDict):
    """One broken rule: where, what was found, what must hold."""

    field: str
    value: Any
    rule: str


class Problem(TypedDict):
    """RFC 9457, with a `code` for programs and every broken rule."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[BrokenRule]


class InvalidRequest(RequestRejected):
    """A request breaks rules; `problems` are all of them."""

    status = 422
    code = "invalid_request"

    def __init__(self, problems: Sequence[RequestRejected]) -> None:
        """Take over status and code when all problems agree on them."""
        super().__init__("; ".join(str(problem) for problem in problems[:5]))
        self.problems = tuple(problems)
        if len({problem.status for problem in problems}) == 1:
            self.status = problems[0].status
        if len({problem.code for problem in problems}) == 1:
            self.code = problems[0].code


class MalformedBody(RequestRejected):
    """The body is not JSON."""

    code = "malformed_json"


class BodyTooLarge(RequestRejected):
    """The body is larger than is taken here."""

    status = 413
    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        """`limit` in bytes."""
        super().__init__(f"the body is over {limit} bytes; send it in parts")


class BodyTooSlow(RequestRejected):
    """The body did not come in time."""

    status = 408
    code = "body_too_slow"

    def __init__(self, seconds: float) -> None:
        """`seconds` were given."""
        super().__init__(f"the body was not there whole after {seconds:g} s (gateway.body_timeout)")


class HeadTooLarge(RequestRejected):
    """The head is larger than is taken here."""

    status = 431
    code = "head_too_large"

    def __init__(self, limit: int) -> None:
        """`limit` in bytes."""
        super().__init__(f"the head of the request is over {limit} bytes (gateway.max_head)")


class Forbidden(RequestRejected):
    """The request comes from where none may come from."""

    status = 403
    code = "forbidden"


class Unauthorized(RequestRejected):
    """Nothing that says who asks."""

    status = 401
    code = "unauthorized"


class NoAnswer(EvenflowError):
    """A service that was asked did not answer in time."""

    status = 504
    code = "no_answer"


def problem_of(error: EvenflowError) -> tuple[Problem, dict[str, str]]:
    """Return the problem and the headers that go with it."""
    if isinstance(error, RequestRejected):
        extra = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthorized) else {}
        seconds = getattr(error, "retry_after_seconds", None)
        if seconds is not None:
            extra["Retry-After"] = str(max(1, math.ceil(seconds)))
        return _problem(error.status, error.code, str(error), _rules(error)), extra
    if isinstance(error, TemporarilyUnavailable):
        after = max(1, round(error.retry_after_seconds))
        # A full log does not get better by itself: whoever retries shall be able to tell.
        code = "log_full" if isinstance(error, LogFull) else "unavailable"
        return _problem(503, code, str(error)), {"Retry-After": str(after)}
    if isinstance(error, RevisionConflict):
        detail = "others changed the definitions at the same time, again and again; try again"
        return _problem(503, "conflict", detail), {"Retry-After": "1"}
    if isinstance(error, LogMismatch):
        return _problem(410, "gone", str(error)), {}
    if isinstance(error, NoAnswer):
        return _problem(error.status, error.code, str(error)), {}
    return _problem(500, "internal", "an error of ours; see the gateway's log"), {}


def http_problem(status: int, detail: str) -> Problem:
    """Return the problem of a plain HTTP error, such as a path that does not exist."""
    return _problem(status, HTTPStatus(status).name.lower(), detail)


def body_of(problem: Problem) -> bytes:
    """Return a problem as JSON."""
    return json.dumps(problem, default=str).encode()


def _problem(status: int, code: str, detail: str, errors: Iterable[BrokenRule] = ()) -> Problem:
    return Problem(
        type=f"urn:evenflow:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=list(errors),
    )


def _rules(error: RequestRejected) -> Iterable[BrokenRule]:
    problems: Iterable[RequestRejected] = (error,)
    if isinstance(error, InvalidRequest):
        problems = error.problems
    elif isinstance(error, BrokenRules):
        problems = error.rules
    return [
        BrokenRule(field=problem.field, value=_shown(problem.value), rule=problem.rule)
        for problem in problems
        if problem.field
    ]


def _shown(value: object) -> Any:
    if value is None or isinstance(value, bool | int | float):
        # Numbers that JSON readers do not keep, or that JSON does not have, are shown as text.
        is_plain = value is None or abs(value) < 2**53
        return value if is_plain else str(value)[:_SHOWN]
    text = value if isinstance(value, str) else str(value)
    return text[:_SHOWN].encode(errors="replace").decode()


def from_pydantic(error: ValidationError, prefix: Sequence[str | int] = ()) -> InvalidRequest:
    """Translate what pydantic found in a body."""
    findings = error.errors(include_url=False, include_context=False)
    if any(finding["type"] == "json_invalid" for finding in findings):
        raise MalformedBody(f"the body is not JSON: {findings[0]['msg']}") from error
    return InvalidRequest(
        [
            _Finding(
                ".".join(map(str, (*prefix, *finding["loc"]))) or "body",
                finding.get("input"),
                _lower(finding["msg"]),
            )
            for finding in findings[:100]
        ]
    )


class _Finding(RequestRejected):
    status = 422
    code = "invalid_value"

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(f"{field}: {rule}", field=field, value=_brief(value), rule=rule)


def _brief(value: object) -> object:
    if isinstance(value, Mapping | list | tuple):
        return f"{type(value).__name__} of {len(value)}"
    return value


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
