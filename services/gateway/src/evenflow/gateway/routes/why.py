"""Why a job is where it is, and everything else about it."""

from typing import Any, Final

from fastapi import APIRouter, Request
from typing_extensions import TypedDict

from evenflow.common.domain.job import JobState
from evenflow.common.domain.queue import lineage
from evenflow.gateway.core.shares import Shares
from evenflow.gateway.core.words import reason_in_words, state_in_words
from evenflow.gateway.documents import (
    AttemptDocument,
    JobDocument,
    attempt_document,
    job_document,
)
from evenflow.gateway.gateway import Gateway, gateway_of
from evenflow.gateway.lookup import row_of
from evenflow.gateway.view.reads import Row

router: Final = APIRouter(prefix="/api/v1", tags=["jobs"])
_SHOWN_AHEAD: Final = 5


class AheadDocument(TypedDict):
    """A job that goes first."""

    id: str
    name: str
    user_id: str
    priority: int
    queue_position: int


class ShareDocument(TypedDict):
    """What a queue holds of the cluster and what its weight promises, 0..1."""

    queue: str
    held_ratio: float
    weight_ratio: float


class WhyDocument(TypedDict):
    """Why a job is where it is. `code`, `detail` and `position` (from 1) only while it waits."""

    job_id: str
    status: str
    phase: str
    code: str | None
    detail: dict[str, Any]
    text: str
    queue: str
    position: int | None
    ahead: int
    first: list[AheadDocument]
    shares: list[ShareDocument]


class JobDetails(JobDocument):
    """A job with its queue, its place in it, and all its attempts."""

    queue_name: str
    ahead: int | None
    attempts: list[AttemptDocument]
    progress: float | None


@router.get("/jobs/{job_id}/why")
async def why(request: Request, job_id: str) -> WhyDocument:
    """Return why a job waits, in words and numbers: who goes first, and what its queues hold."""
    gateway = gateway_of(request)
    await gateway.fresh(request)
    row = await row_of(gateway, job_id)
    document = job_document(row)
    ahead, first = await _ahead(gateway, row)
    text = state_in_words(
        document["phase"],
        queue=document["queue"],
        nodes=document["nodes"],
        message=document["error_message"] or _exit(document["exit_code"]),
    )
    reason = document["reason"]
    if reason is not None:
        words = reason_in_words(
            reason["code"], reason["detail"], ahead=ahead, queue=document["queue"]
        )
        text = f"{text}: {words}"
    return WhyDocument(
        job_id=document["id"],
        status=document["status"],
        phase=document["phase"],
        code=reason["code"] if reason else None,
        detail=reason["detail"] if reason else {},
        text=text,
        queue=document["queue"],
        position=ahead + 1 if row["state"] == JobState.PENDING else None,
        ahead=ahead,
        first=[
            AheadDocument(
                id=each["id"],
                name=each["name"],
                user_id=each["user"],
                priority=each["priority"],
                queue_position=each["position"],
            )
            for each in first
        ],
        shares=_shares(gateway, document["queue"]),
    )


@router.get("/jobs/{job_id}/details")
async def details(request: Request, job_id: str) -> JobDetails:
    """Return a job with its attempts and its place in the queue."""
    gateway = gateway_of(request)
    await gateway.fresh(request)
    row = await row_of(gateway, job_id)
    ahead, _ = await _ahead(gateway, row)
    attempts = [attempt_document(each) for each in await gateway.reads.attempts(row["id"])]
    if row["placed_at"] is not None:
        attempts.append(attempt_document(row))
    document = job_document(row)
    return JobDetails(
        **document,
        queue_name=document["queue"].rpartition("/")[2],
        ahead=ahead if row["state"] == JobState.PENDING else None,
        attempts=attempts,
        progress=_progress(gateway, row),
    )


def _exit(code: int | None) -> str | None:
    return f"exit code {code}" if code else None


async def _ahead(gateway: Gateway, row: Row) -> tuple[int, list[Row]]:
    """Return how many jobs of its queue go before a waiting job, and the first of them."""
    if row["state"] != JobState.PENDING or row["position"] is None:
        return 0, []
    state = gateway.state()
    queue = state.queues.get(row["queue"])
    policy = (queue.policy if queue else None) or state.settings.policy
    count, first = await gateway.reads.ahead(
        row["queue"],
        row["position"],
        row["priority"] if policy == "priority" else None,
        _SHOWN_AHEAD,
    )
    return count, list(first)


def _shares(gateway: Gateway, queue: str) -> list[ShareDocument]:
    shares = Shares(gateway.state())
    return [
        ShareDocument(
            queue=path,
            held_ratio=shares.held_ratio(path),
            weight_ratio=shares.weight_ratio(path),
        )
        for path in lineage(queue)
        if path in shares.state.queues
    ]


def _progress(gateway: Gateway, row: Row) -> float | None:
    """Return how much of its planned time a job has run, 0..1; None when nothing was planned."""
    planned = row["estimated_duration_us"] or row["time_limit_us"]
    if row["started_at"] is None or not planned:
        return None
    until = row["finished_at"] or gateway.commands.now()
    return float(min(1.0, max(0.0, (until - row["started_at"]) / planned)))
