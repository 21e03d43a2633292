"""Why a job is where it is: what the view knows, and what the engine says when it answers."""

from evenflow.common.contracts.explanation import ExplanationAnswer
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import TERMINAL, JobState
from evenflow.common.domain.queues.queue import lineage
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.documents import job_document
from evenflow.gateway.jobs.visibility import visible_answer
from evenflow.gateway.queues.rules.shares import Shares
from evenflow.gateway.view.reads import Row
from evenflow.gateway.why.deadlines import deadline_document, planned_end
from evenflow.gateway.why.documents import ShareDocument, WhyDocument, ahead_document
from evenflow.gateway.why.engine import ask_engine
from evenflow.gateway.why.explanation import (
    ahead_documents,
    explanation_in_words,
    level_document,
    short_document,
    start_document,
)
from evenflow.gateway.why.position import jobs_ahead, policy_of
from evenflow.gateway.why.rules.explanation import (
    because_in_words,
    deadline_in_words,
    resting_in_words,
)
from evenflow.gateway.why.rules.reasons import reason_in_words
from evenflow.gateway.why.rules.states import state_in_words


async def why_document(gateway: Gateway, row: Row, principal: Principal) -> WhyDocument:
    """Return why a job is where it is; the engine that leads is asked unless it has ended."""
    answer = None if row["state"] in TERMINAL else await ask_engine(gateway, row["id"])
    document = _known(gateway, row)
    if answer is not None:
        start = answer.prediction.at if answer.prediction else None
        _add_explanation(document, visible_answer(answer, principal))
        _add_resting(gateway, row, document)
        _add_last_attempt(row, document)
        return _with_deadline(gateway, row, document, start)
    is_pending = row["state"] == JobState.PENDING
    ahead, first = await jobs_ahead(gateway, row)
    by_priority = policy_of(gateway, row) == "priority"
    document["position"] = ahead + 1 if is_pending else None
    document["ahead"] = ahead
    document["first"] = [ahead_document(each, _because(each, row, by_priority)) for each in first]
    document["text"] = _text(document)
    _add_resting(gateway, row, document)
    _add_last_attempt(row, document)
    return _with_deadline(gateway, row, document)


def _known(gateway: Gateway, row: Row) -> WhyDocument:
    """Return what the view and the fold know without anybody's help."""
    document = job_document(row)
    reason = document["reason"]
    return WhyDocument(
        job_id=document["id"],
        status=document["status"],
        phase=document["phase"],
        code=reason["code"] if reason else None,
        detail=reason["detail"] if reason else {},
        text=state_in_words(
            document["phase"],
            queue=document["queue"],
            nodes=document["nodes"],
            message=document["error_message"] or _exit(document["exit_code"]),
        ),
        queue=document["queue"],
        position=None,
        ahead=0,
        first=[],
        shares=_shares(gateway, document["queue"]),
        authoritative=row["state"] in TERMINAL,
        levels=[],
        short=None,
        predicted_start=None,
        not_predicted=None,
        deadline=None,
    )


def _add_explanation(document: WhyDocument, answer: ExplanationAnswer) -> WhyDocument:
    """Add what the engine says."""
    prediction = answer.prediction
    if document["phase"] == JobState.PENDING and answer.reason is not None:
        document["code"], document["detail"] = answer.reason.code, dict(answer.reason.detail)
    document["authoritative"] = True
    document["position"], document["ahead"] = answer.place, answer.ahead
    document["first"] = ahead_documents(answer)
    document["levels"] = [level_document(level) for level in answer.levels]
    document["short"] = short_document(answer)
    document["predicted_start"] = start_document(prediction)
    document["not_predicted"] = (prediction.unknown or None) if prediction else None
    document["text"] = _text(document, *explanation_in_words(answer))
    return document


def _text(document: WhyDocument, more: str = "", start: str = "") -> str:
    """Return one or two sentences: where the job is and why, and when it may start."""
    text = document["text"]
    if document["code"] is not None:
        words = reason_in_words(
            document["code"],
            document["detail"],
            ahead=document["ahead"],
            queue=document["queue"],
        )
        text = f"{text}: {words}{more}"
    return f"{text}. {start}" if start else text


def _add_resting(gateway: Gateway, row: Row, document: WhyDocument) -> None:
    """Tell of the nodes that could take it and refuse to start anything for now."""
    if row["state"] != JobState.PENDING:
        return
    state, now = gateway.state(), gateway.now()
    resting = [
        name
        for name in sorted(state.resting)
        if state.is_resting(name, now) and state.nodes[name].kind == row["executor"]
    ]
    if resting:
        text = document["text"].rstrip(".")
        document["text"] = f"{text}. {resting_in_words(resting)}"


def _add_last_attempt(row: Row, document: WhyDocument) -> None:
    """Tell of a job that waits again what became of its last attempt, such as whom it gave way."""
    if row["state"] == JobState.PENDING and row["message"]:
        text = document["text"].rstrip(".")
        document["text"] = f"{text}. Its attempt before this one ended: {row['message']}"


def _with_deadline(
    gateway: Gateway, row: Row, document: WhyDocument, start: Instant | None = None
) -> WhyDocument:
    """Add how the job stands to its deadline; `start` is predicted, None when nobody knows."""
    expected_us = gateway.state().settings.expected_duration_us
    end = planned_end(row, start, expected_us)
    document["deadline"] = deadline_document(row, end, expected_us)
    if document["deadline"] is not None and row["finished_at"] is None:
        words = deadline_in_words(row["deadline_at"], end, gateway.now())
        document["text"] = f"{document['text'].removesuffix('.')}. {words}"
    return document


def _because(other: Row, row: Row, by_priority: bool) -> str:  # noqa: FBT001
    if by_priority and other["priority"] != row["priority"]:
        return because_in_words("higher priority", other["priority"], row["priority"])
    return because_in_words("submitted earlier", other["position"], row["position"])


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


def _exit(code: int | None) -> str | None:
    return f"exit code {code}" if code else None
