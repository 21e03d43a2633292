"""Jobs: submit, look, change, cancel."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from evenflow.common.domain.errors import NotFound
from evenflow.gateway.bodies import described, parse, read_body
from evenflow.gateway.core.submission import Submission
from evenflow.gateway.documents import JobDocument, job_document
from evenflow.gateway.gate import SEQUENCE_HEADER
from evenflow.gateway.gateway import Gateway, gateway_of, origin_of
from evenflow.gateway.view.reads import Row

router: Final = APIRouter(prefix="/api/v1", tags=["jobs"])


@router.post(
    "/jobs", status_code=201, response_model=JobDocument, openapi_extra=described(Submission)
)
async def submit(request: Request) -> Response:
    """Submit a job. Answered once it is in the log; an unfittable job is accepted with a warning."""
    gateway = gateway_of(request)
    body = await read_body(request, gateway.settings.gateway.max_body)
    asked = parse(Submission, body)
    sequence, specs, warnings = await gateway.commands.submit(
        asked, origin_of(request, asked.user_id or "")
    )
    document = gateway.commands.document(specs[0])
    if warnings:
        document["warnings"] = warnings
    return JSONResponse(document, 201, {SEQUENCE_HEADER: str(sequence)})


async def row_of(gateway: Gateway, job_id: str) -> Row:
    """Return a job's row.

    Raises:
        NotFound: the view has no such job.
    """
    row = await gateway.reads.job(job_id.lower())
    if row is None:
        raise NotFound("job", job_id[:80])
    return row


@router.get("/jobs/{job_id}")
async def show(request: Request, job_id: str) -> JobDocument:
    """Return a job."""
    gateway = gateway_of(request)
    await gateway.fresh(request)
    return job_document(await row_of(gateway, job_id))
