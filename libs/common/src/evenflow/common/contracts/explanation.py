"""What the engine answers to "why does this job wait": asked by request-reply, outside the log.

Amounts are integers in the units of `resources`, instants microseconds of the shard's clock. Basis
words are closed sets; whoever meets one that it does not know shows it as it is.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from evenflow.common.contracts.subjects import question_subject

MAX_QUESTION_BYTES: Final = 1024


def explain_subject(shard: str) -> str:
    """Return where explanations are asked for; the engine that leads answers."""
    return question_subject(shard, "jobs", "explain")


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)


class ExplainQuestion(_Message):
    """A job by its whole id."""

    job_id: str = Field(min_length=1, max_length=100)


class BecauseAnswer(_Message):
    """By what one goes before another; numbers are absent where the basis has none."""

    basis: str
    theirs: float | None = None
    mine: float | None = None


class JobAheadAnswer(_Message):
    """A job of the same queue that goes first."""

    id: str
    name: str
    user: str
    priority: int
    position: int
    because: BecauseAnswer


class QueueAheadAnswer(_Message):
    """The sibling queue that goes first."""

    path: str
    because: BecauseAnswer


class LevelAnswer(_Message):
    """One queue above the job, or its own. Saturation is absent where there is no fair share."""

    path: str
    fair_share: dict[str, int]
    held: dict[str, int]
    request: dict[str, int]
    usage_ratio: float
    saturation_before: float | None
    saturation_after: float | None
    ahead: QueueAheadAnswer | None


class ShortAnswer(_Message):
    """The resource of which most is missing, in all and on the best node."""

    resource: str
    wanted: int
    free: int
    per_task: int | None = None
    largest: int | None = None


class PredictionAnswer(_Message):
    """When it may start and on what that rests, or why nobody knows."""

    at: int | None = None
    basis: str | None = None
    unknown: str = ""


class ReasonAnswer(_Message):
    """Why it waits: a code and its numbers."""

    code: str
    detail: dict[str, str | int] = Field(default_factory=dict)


class ExplanationAnswer(_Message):
    """A job's place and what decides on it, as of a sequence of the log."""

    job_id: str
    as_of: int
    policy: str
    reason: ReasonAnswer | None
    place: int | None
    ahead: int
    first: tuple[JobAheadAnswer, ...]
    levels: tuple[LevelAnswer, ...]
    short: ShortAnswer | None
    prediction: PredictionAnswer | None


class ExplainAnswer(_Message):
    """The explanation, or `error` (for people) and `code`."""

    explanation: ExplanationAnswer | None = None
    is_leader: bool = True
    error: str = ""
    code: str = ""
