"""What can go wrong between a program and a running system.

Each error says what, which one, and what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from evenflow.common.domain.errors import EvenflowError, RequestRejected


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that a request breaks: the field, what stood there, what must hold."""

    field: str
    value: Any
    rule: str


class ApiProblem(EvenflowError):
    """The system answered that it does not do this (`application/problem+json`).

    `code` is for programs, `detail` for people; `errors` are all broken rules.
    `retry_after_seconds` is given when the same request may work later.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[BrokenRule] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        """Take over what the system said."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds
        self.advice = ""
        """What to do now, where the client knows it."""

    @property
    def is_not_found(self) -> bool:
        """Whether the thing that was named does not exist."""
        return self.status == 404  # noqa: PLR2004 - HTTP

    @classmethod
    def of(cls, problem: Mapping[str, Any], status: int, retry_after: str | None = None) -> Self:
        """Read a problem document; what is missing is filled from the HTTP status."""
        rules = problem.get("errors")
        return cls(
            status,
            str(problem.get("code") or f"http_{status}"),
            str(problem.get("detail") or problem.get("title") or f"HTTP status {status}"),
            errors=[
                BrokenRule(str(rule.get("field", "")), rule.get("value"), str(rule.get("rule", "")))
                for rule in (rules if isinstance(rules, list) else ())
                if isinstance(rule, dict)
            ],
            retry_after_seconds=_seconds(retry_after),
        )


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None  # an HTTP date; our own systems send seconds


class Unreachable(EvenflowError):
    """Nobody answered at the URL, or not as a gateway does; a write may or may not have arrived."""

    def __init__(self, url: str, reason: str) -> None:
        """`reason` is what the network said."""
        super().__init__(
            f"no Evenflow answers at {url}: {reason}\n"
            "Start one with `evenflow up`, or name another with --url or EVENFLOW_URL."
        )
        self.url = url
        self.reason = reason


class NoSystem(EvenflowError):
    """No URL was given and no `evenflow up` runs."""

    def __init__(self) -> None:
        """Say how to get one."""
        super().__init__(
            "no running system found.\n"
            "Start one with `evenflow up`, or name one with --url or EVENFLOW_URL."
        )


class SeveralSystems(EvenflowError):
    """No URL was given and several systems run: guessing could send work to the wrong one."""

    def __init__(self, systems: Sequence[tuple[str, str, str]]) -> None:
        """`systems` are (name, URL, data directory)."""
        width = max(len(name) for name, _, _ in systems)
        lines = [f"  {name:{width}}  {url}  data in {data}" for name, url, data in systems]
        super().__init__(
            "\n".join((f"{len(systems)} systems run; name one with --url or EVENFLOW_URL:", *lines))
        )
        self.systems = tuple(systems)


class AmbiguousId(RequestRejected):
    """The beginning of an id fits several jobs."""

    code = "ambiguous_id"

    def __init__(self, prefix: str, ids: Sequence[str]) -> None:
        """`ids` are those it fits."""
        shown = "\n".join(f"  {job_id}" for job_id in ids[:5])
        more = f"\n  and {len(ids) - 5} more" if len(ids) > 5 else ""  # noqa: PLR2004 - as shown
        super().__init__(
            f"{prefix!r} begins the ids of {len(ids)} jobs; give more of it:\n{shown}{more}",
            field="job_id",
            value=prefix,
        )


class BadFleet(EvenflowError):
    """A fleet file cannot be used; `problems` are all findings, each with its line."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        """`source` names the file."""
        super().__init__("\n".join((f"{source} cannot be applied:", *problems)))
        self.problems = tuple(problems)
