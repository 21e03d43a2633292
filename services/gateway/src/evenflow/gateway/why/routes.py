"""Why a job is where it is, and everything else about it."""

from typing import Final

from fastapi import APIRouter, Request

from evenflow.common.domain.jobs.job import JobState
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.gateway import Gateway, gateway_of
from evenflow.gateway.jobs.documents import attempt_document, job_document
from evenflow.gateway.jobs.lookup import found_job
from evenflow.gateway.view.reads import Row
from evenflow.gateway.why.answer import why_document
from evenflow.gateway.why.documents import JobDetails, WhyDocument
from evenflow.gateway.why.position import jobs_ahead

router: Final = APIRouter(prefix="/api/v1", tags=["jobs"])


@router.get("/jobs/{job_id}/why")
async def why(request: Request, job_id: str) -> WhyDocument:
    """Return why a job waits, in words and numbers: who goes first, and what its queues hold.

    The engine that leads is asked. When none answers within a second, the view alone tells what
    it knows, and the answer says so.
    """
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    principal = principal_of(request)
    return await why_document(gateway, await found_job(gateway, job_id, principal), principal)


@router.get("/jobs/{job_id}/details")
async def details(request: Request, job_id: str) -> JobDetails:
    """Return a job with its attempts and its place in the queue."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    row = await found_job(gateway, job_id, principal_of(request))
    ahead, _ = await jobs_ahead(gateway, row)
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


def _progress(gateway: Gateway, row: Row) -> float | None:
    """Return how much of its planned time a job has run, 0..1; None when nothing was planned."""
    planned = row["estimated_duration_us"] or row["time_limit_us"]
    if row["started_at"] is None or not planned:
        return None
    until = row["finished_at"] or gateway.now()
    return float(min(1.0, max(0.0, (until - row["started_at"]) / planned)))
