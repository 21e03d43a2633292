"""docs/jobs.md: the life of a job, from `domain/job.py` and `domain/decisions.py`."""

from collections.abc import Iterator

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.jobs.job import JOB_TRANSITIONS, LIVE, TERMINAL, JobState
from evenflow.gateway.values.job_status import STATUS_OF
from tools.docs.comments import comments_of

_HEAD = """\
<!-- Drawn by `make docs` from domain/jobs/job.py and domain/decisions/decisions.py: edit those. -->
# The life of a job

All that moves a job's state is one table, `JOB_TRANSITIONS` in
`libs/common/src/evenflow/common/domain/jobs/job.py`. Every service folds the same log by it; a move
that is not in it stops the service instead of happening.
"""
_ATTEMPTS = """
Going back to `pending` starts another attempt: the attempt number grows, the position in the queue
stays. An attempt that failed counts against `retry_limit`, one that was lost or refused against
`backoff_limit`; both wait 1 s before the next, doubling to 30 s. An attempt that Evenflow itself
stopped counts against neither and waits for nothing.

A cancel of a pending job acts when the log is folded; that of a live job goes through its cluster,
and the job is `cancelled` once no task of it is left.

## Why a job is pending

Every pending job has one of these codes, with the numbers behind it (`evenflow why JOB`).
"""


def page() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield from _diagram()
    yield "\n## States\n"
    yield "| State | `status` in REST | Holds resources | Means |"
    yield "|---|---|---|---|"
    meanings = comments_of(JobState)
    for state in JobState:
        holds = "yes" if state in LIVE else ""
        yield f"| `{state}` | `{STATUS_OF[state]}` | {holds} | {meanings[state.name]} |"
    yield "\nREST gives the state itself as `phase`."
    yield "\n## Moves\n"
    yield "| From | To | Because |"
    yield "|---|---|---|"
    for state, moves in JOB_TRANSITIONS.items():
        for target, reason in moves.items():
            yield f"| `{state}` | `{target}` | {reason} |"
    yield _ATTEMPTS
    yield "| Code | Means |"
    yield "|---|---|"
    reasons = comments_of(ReasonCode)
    for code in ReasonCode:
        yield f"| `{code}` | {reasons[code.name]} |"


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {JobState.SUBMITTED}"
    for state, moves in JOB_TRANSITIONS.items():
        for target in moves:
            yield f"    {state} --> {target}"
    for state in JobState:
        if state in TERMINAL:
            yield f"    {state} --> [*]"
    yield "```"
