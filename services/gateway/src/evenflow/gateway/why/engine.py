"""Ask the engine that leads why a job waits. Silence is no error: the caller knows less then."""

from typing import Final

from pydantic import ValidationError

from evenflow.common.contracts.explanation import (
    ExplainAnswer,
    ExplainQuestion,
    ExplanationAnswer,
    explain_subject,
)
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.gateway.edge.problems import NoAnswer
from evenflow.gateway.gateway import Gateway

PATIENCE_SECONDS: Final = 1.0


async def ask_engine(gateway: Gateway, job_id: str) -> ExplanationAnswer | None:
    """Return what the engine says of a job; None when none leads, answers in time, or knows it."""
    subject = explain_subject(gateway.settings.shard.name)
    question = ExplainQuestion(job_id=job_id).model_dump_json().encode()
    try:
        reply = await gateway.ask(subject, question, PATIENCE_SECONDS)
        answer = ExplainAnswer.model_validate_json(reply)
    except (NoAnswer, TemporarilyUnavailable):
        return None
    except ValidationError as error:
        gateway.log.warning("explanation_unreadable", job_id=job_id, reason=str(error))
        return None
    if answer.error and answer.code not in {"not_found", "unavailable"}:
        gateway.log.warning("explanation_failed", job_id=job_id, reason=answer.error)
    return answer.explanation if answer.is_leader else None
