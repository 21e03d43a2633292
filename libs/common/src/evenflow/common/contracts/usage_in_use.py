"""What the engine answers to "by which usage do you decide": asked by request-reply.

Instants are microseconds of the shard's clock. Fields of the snapshot are absent without one.
"""

from pydantic import BaseModel, ConfigDict

from evenflow.common.contracts.subjects import question_subject
from evenflow.common.domain.clock import Instant


def usage_subject(shard: str) -> str:
    """Return where the usage in use is asked for; the engine that leads answers."""
    return question_subject(shard, "usage", "show")


class UsageInUse(BaseModel):
    """The snapshot that the next cycle would read, and whether it would."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    is_leader: bool = True
    instance: str = ""
    now: Instant = 0
    is_available: bool = False  # false: every queue and user counts as zero usage
    max_staleness_us: int = 0
    sequence: int | None = None  # of the snapshot
    fact_sequence: int | None = None  # of the fact that told of it
    digest: str | None = None
    generated_at: Instant | None = None
    data_until: Instant | None = None
