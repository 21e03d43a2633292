"""Output of runs, asked from the binder of their cluster (API-08)."""

import base64
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError
from typing_extensions import TypedDict

from evenflow.common.contracts.requests import (
    MAX_OUTPUT_BYTES,
    OutputAnswer,
    OutputQuestion,
    output_subject,
)
from evenflow.common.domain.errors import (
    InvalidValue,
    NotFound,
    TemporarilyUnavailable,
    UnreadableMessage,
)
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.common.domain.jobs.run import token_of
from evenflow.gateway.edge.bodies import Body
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.gateway import Gateway, gateway_of
from evenflow.gateway.jobs.lookup import found_job
from evenflow.gateway.view.reads import Row

router: Final = APIRouter(prefix="/api/v1", tags=["jobs"])
PATIENCE_SECONDS: Final = 10.0
_MOST: Final = 2**53


class LogDocument(TypedDict):
    """A piece of a task's output: `data` as base64, `text` as far as it is UTF-8.

    Go on at `next_offset`; `is_final`: nothing more will come.
    """

    job_id: str
    token: str
    stream: str
    offset: int
    next_offset: int
    is_final: bool
    data: str
    text: str


@router.get("/jobs/{job_id}/logs", response_model=LogDocument)
async def logs(
    request: Request,
    job_id: str,
    *,
    stream: Literal["stdout", "stderr"] = "stdout",
    offset: Annotated[int, Query(ge=0, le=_MOST)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_OUTPUT_BYTES)] = 65_536,
    task: Annotated[int, Query(ge=0)] = 0,
    attempt: Annotated[int | None, Query(ge=1, le=_MOST)] = None,
) -> LogDocument | Response:
    """Return a piece of the output of a task; the bytes alone when `Accept` is text/plain."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    row = await found_job(gateway, job_id, principal_of(request))
    wanted = WantedOutput(stream=stream, offset=offset, limit=limit, task=task, attempt=attempt)
    token, answer = await output_of(gateway, row, wanted)
    if "text/plain" in request.headers.get("accept", ""):
        headers = {
            "X-Next-Offset": str(answer.next_offset),
            "X-Final": str(answer.is_final).lower(),
        }
        return Response(answer.data, headers=headers, media_type="text/plain; charset=utf-8")
    return log_document(row, token, wanted, answer)


class WantedOutput(Body):
    """Which piece of whose output; also what is asked on the bus, with the job's id."""

    stream: Literal["stdout", "stderr"] = "stdout"
    offset: int = Field(default=0, ge=0, le=_MOST)
    limit: int = Field(default=65_536, ge=1, le=MAX_OUTPUT_BYTES)
    task: int = Field(default=0, ge=0)
    attempt: int | None = Field(default=None, ge=1, le=_MOST)
    job_id: str = Field(default="", max_length=100)


async def output_of(gateway: Gateway, row: Row, wanted: WantedOutput) -> tuple[str, OutputAnswer]:
    """Return the run's token and the piece of its output.

    Raises:
        InvalidValue: the job has no such task.
        NotFound, NoAnswer, TemporarilyUnavailable: see `_ask`.
    """
    stream, offset, limit, task = wanted.stream, wanted.offset, wanted.limit, wanted.task
    if task >= row["tasks"]:
        raise InvalidValue("task", task, f"must be below {row['tasks']}")
    number = wanted.attempt or row["attempt"]
    token = token_of(row["id"], task, number)
    if row["placed_at"] is None and number >= row["attempt"]:
        # Nothing ran yet: a follower waits on; of an ended job nothing will ever come.
        answer = OutputAnswer(next_offset=offset, is_final=row["state"] in TERMINAL)
    else:
        question = OutputQuestion(token=token, stream=stream, offset=offset, limit=limit)
        answer = await _ask(gateway, question)
    return token, answer


def log_document(row: Row, token: str, wanted: WantedOutput, answer: OutputAnswer) -> LogDocument:
    """Return a piece of output as a document."""
    return LogDocument(
        job_id=row["id"],
        token=token,
        stream=wanted.stream,
        offset=wanted.offset,
        next_offset=answer.next_offset,
        is_final=answer.is_final,
        data=base64.b64encode(answer.data).decode(),
        text=answer.data.decode(errors="replace"),
    )


async def _ask(gateway: Gateway, question: OutputQuestion) -> OutputAnswer:
    """Ask whoever acts for the cluster.

    Raises:
        NotFound: no output is kept of this run.
        NoAnswer: nobody answered in time.
        TemporarilyUnavailable: nobody acts for the cluster now.
    """
    subject = output_subject(gateway.settings.shard.name)
    reply = await gateway.ask(subject, question.model_dump_json().encode(), PATIENCE_SECONDS)
    try:
        answer = OutputAnswer.model_validate_json(reply)
    except ValidationError as error:
        raise UnreadableMessage(subject, str(error)) from error
    if answer.code == "not_found":
        raise NotFound("output of run", question.token, "it was not kept, or never started")
    if answer.error:
        raise TemporarilyUnavailable(answer.error)
    return answer
