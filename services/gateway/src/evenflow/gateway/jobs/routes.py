"""Jobs: submit, look, change, cancel (API-03 to API-07, API-09)."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.facts import jobs as facts
from evenflow.common.domain.jobs.job import TERMINAL, JobState
from evenflow.gateway.edge.bodies import described, given_in, parse, read_body
from evenflow.gateway.edge.idempotency import HEADER as KEY_HEADER
from evenflow.gateway.edge.permits import demand_own, named_user, projects_of
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import gateway_of, origin_of
from evenflow.gateway.jobs.batch import BatchDocument, submit_batch
from evenflow.gateway.jobs.bodies import Batch, CancelBody, JobPatch
from evenflow.gateway.jobs.changes import change_of, refuse_ended
from evenflow.gateway.jobs.commands import JobCommands
from evenflow.gateway.jobs.documents import JobDocument, JobPage, JobStats, job_document
from evenflow.gateway.jobs.lookup import found_job
from evenflow.gateway.jobs.rules.fields import Submission
from evenflow.gateway.jobs.submit import Answer, submit
from evenflow.gateway.jobs.visibility import shown_row
from evenflow.gateway.values.job_status import STATUS_OF, STATUSES
from evenflow.gateway.view.reads import JobFilter, Row

router: Final = APIRouter(prefix="/api/v1", tags=["jobs"])
_STATES: Final = frozenset((*STATUSES, *(state.value for state in JobState)))
Text = Annotated[str | None, Query(max_length=255)]


@router.post("/jobs", status_code=201, response_model=Answer, openapi_extra=described(Submission))
async def submit_job(request: Request) -> Response:
    """Submit a job; answered once it is in the log.

    A job that could not start on today's cluster is accepted with `warnings`. With the header
    `Idempotency-Key` a repetition answers with the same job.
    """
    gateway = gateway_of(request)
    body = await read_body(request, gateway.settings.gateway.max_body)
    key = request.headers.get(KEY_HEADER)
    sequence, answer = await submit(
        gateway, body, principal_of(request), request.state.request_id, key
    )
    return JSONResponse(answer, 201, sequence_headers(sequence))


@router.post("/jobs:batch", response_model=BatchDocument, openapi_extra=described(Batch))
async def submit_jobs(request: Request) -> Response:
    """Submit many jobs, each on its own; with `atomic` all or none."""
    gateway = gateway_of(request)
    body = await read_body(request, gateway.settings.gateway.max_batch_body)
    sequence, answer = await submit_batch(
        gateway, body, principal_of(request), request.state.request_id
    )
    return JSONResponse(answer, 200, sequence_headers(sequence))


@router.get("/jobs")
async def list_jobs(
    request: Request,
    *,
    project_id: Text = None,
    queue_id: Annotated[str | None, Query(max_length=2_100)] = None,
    user_id: Text = None,
    job_type: Text = None,
    executor: Text = None,
    status: Annotated[list[str] | None, Query(description="A status or phase; repeatable.")] = None,
    search: Text = None,
    array_id: Text = None,
    page: Annotated[int, Query(ge=1, le=10**9)] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JobPage:
    """Return jobs, newest first; a queue or project means itself and everything below it."""
    gateway = gateway_of(request)
    is_connected = await gateway.wait_for_view(request)
    if unknown := set(status or ()) - _STATES:
        raise InvalidValue("status", min(unknown)[:40], f"must be one of {', '.join(STATUSES)}")
    queue = gateway.state().queue(queue_id) if queue_id is not None else None
    wanted = JobFilter(
        project=project_id,
        queue=queue.path if queue else queue_id,
        user=user_id,
        job_type=job_type,
        executor=executor,
        status=tuple(status or ()),
        search=search,
        array_id=array_id,
        projects=projects_of(principal_of(request)),
    )
    rows, total = await gateway.reads.jobs(wanted, page=page, page_size=page_size)
    return JobPage(
        jobs=[job_document(shown_row(row, principal_of(request))) for row in rows],
        total=total,
        page=page,
        page_size=page_size,
        stale=not is_connected,
    )


@router.get("/jobs/stats")
async def stats(request: Request, project_id: Text = None) -> JobStats:
    """Return how many jobs there are, by status, type and executor."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    answer = JobStats(total=0, by_status=dict.fromkeys(STATUSES, 0), by_type={}, by_executor={})
    for row in await gateway.reads.stats(project_id, projects_of(principal_of(request))):
        count = row["count"]
        answer["total"] += count
        answer["by_status"][STATUS_OF[row["state"]]] += count
        for table, key in (("by_type", row["job_type"]), ("by_executor", row["executor"])):
            counts: dict[str, int] = answer[table]  # type: ignore[literal-required]
            counts[key] = counts.get(key, 0) + count
    return answer


@router.get("/jobs/{job_id}")
async def show(request: Request, job_id: str) -> JobDocument:
    """Return a job."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    return job_document(await found_job(gateway, job_id, principal_of(request)))


@router.patch("/jobs/{job_id}", response_model=JobDocument, openapi_extra=described(JobPatch))
async def change(request: Request, job_id: str) -> Response:
    """Change name, description, tags or priority of a job that has not ended."""
    gateway = gateway_of(request)
    body = await read_body(request, gateway.settings.gateway.max_body)
    patch = parse(JobPatch, body)
    await gateway.wait_for_view(request)
    row = await _own_job(request, job_id)
    refuse_ended(row, "changed")
    wanted = change_of(row["id"], patch, given_in(body))
    fact = facts.Changed((wanted,))
    sequence = await gateway.writer.append(fact, origin_of(request))
    return await _job_after(request, row["id"], sequence)


@router.post(
    "/jobs/{job_id}/cancel",
    response_model=JobDocument,
    openapi_extra=described(CancelBody, is_required=False),
)
async def cancel(request: Request, job_id: str) -> Response:
    """Ask for a job to end: a waiting one ends at once, a running one when its tasks are gone."""
    gateway = gateway_of(request)
    asked = parse(CancelBody, await read_body(request, gateway.settings.gateway.max_body))
    await gateway.wait_for_view(request)
    row = await _own_job(request, job_id)
    user = named_user(principal_of(request), asked.user_id, row["project"])
    refuse_ended(row, "cancelled")
    sequence = await gateway.part(JobCommands).cancel([row["id"]], user, origin_of(request))
    return await _job_after(request, row["id"], sequence)


@router.delete("/jobs/{job_id}", status_code=204)
async def delete(request: Request, job_id: str) -> Response:
    """Remove an ended job from the view; the log keeps what happened."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    row = await _own_job(request, job_id)
    if row["state"] not in TERMINAL:
        raise RequestRejected(f"job {row['id']} is {row['state']}; cancel it first")
    await gateway.part(JobCommands).remove(row["id"])
    return Response(status_code=204)


async def _own_job(request: Request, job_id: str) -> Row:
    """Return a job that the asker may change: their own, or another's as an operator."""
    row = await found_job(gateway_of(request), job_id, principal_of(request))
    demand_own(principal_of(request), row["queue"], row["user"])
    return row


async def _job_after(request: Request, job_id: str, sequence: int) -> Response:
    gateway = gateway_of(request)
    await gateway.consistency.wait_for(sequence)
    row = await found_job(gateway, job_id, principal_of(request))
    return JSONResponse(job_document(row), 200, sequence_headers(sequence))
