"""The sections that cycles decide by. They can be changed while the engine runs."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, field_validator

from evenflow.common.domain.decisions.settings import (
    BACKFILL_ORDERS,
    BACKFILLS,
    CLUSTER_STRATEGIES,
    ESTIMATES,
    FAIRNESS_MODES,
    POLICIES,
    STRATEGIES,
)
from evenflow.common.domain.jobs.constraints import NODE_LEVEL
from evenflow.common.domain.nodes.labels import NAME_RULE, is_label_name
from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import PositiveDuration, one_of, one_of_ours

Weight = Annotated[int, Field(ge=0, le=1_000_000_000)]


class MultifactorSettings(Section):
    """Slurm's multifactor priority: weights of factors that lie between 0 and 1."""

    # Weight of the job's age over `max_age`.
    age: Weight = 1000
    # Weight of 2^(-U/S/d): the user's usage U, its share S of the queue, `damping` d.
    fair_share: Weight = 10_000
    # Weight of the part of the cluster that the job asks for.
    size: Weight = 0
    # Weight of the job's priority over 100.
    priority: Weight = 1000
    # The age from which on the age factor is 1.
    max_age: PositiveDuration = timedelta(days=7)
    # The larger, the more usage is forgiven.
    damping: int = Field(default=1, ge=1, le=1000)


BACKFILL_POLICY: Final = "backfill"
"""SCH-02: a policy by name, which is `fifo` with backfill in truth."""


def _named(value: object) -> object:
    """Read what YAML makes of a bare `off`."""
    return "off" if value is False else value


class BackfillSettings(Section):
    """Later jobs fill gaps without delaying those that go first (`scheduler.backfill`)."""

    # Blocked jobs that are promised room, of each kind of cluster.
    reservations: int = Field(default=1, ge=1, le=1000)
    # Jobs that one cycle looks at for filling gaps; null: all.
    tested_jobs: int | None = Field(default=None, ge=1)
    # Which of those that fit go first: `fcfs`, in turn, or `shortest`, by planned run time.
    order: Annotated[str, one_of_ours(BACKFILL_ORDERS)] = "fcfs"
    # What run times are planned by: `limit`, the job's estimate or limit; `mean2`, the mean of its
    # user's last two runs; `learned`, all runs like it; or one that is installed (entry points
    # `evenflow.estimates`).
    estimates: Annotated[str, one_of("estimates", ESTIMATES)] = "limit"


class SchedulerSettings(Section):
    """The cycle of the policy engine."""

    # CFG-03 SCHEDULING_POLICY: The order inside a queue that does not name its own: `fifo`,
    # `priority`, `fairshare`, `fair-tree`, `multifactor`, `shortest-first`, or one that is
    # installed (entry points `evenflow.policies`). `backfill` means `fifo` with backfill.
    policy: Annotated[str, one_of("policies", (*POLICIES, BACKFILL_POLICY))] = "fifo"
    # A cycle starts at once when something changed, and at least this often.
    interval: PositiveDuration = timedelta(seconds=1)
    # How gaps are filled that a blocked head leaves: `easy`, `conservative` or `off`.
    backfill: Annotated[str, BeforeValidator(_named), one_of_ours(BACKFILLS)] = "easy"
    # True: only what does not delay a blocked head may pass it (see `backfill`); False: any later
    # job that fits may.
    strict_order: bool = True
    # SCH-15: The part of every node that stays free, as a ratio of its capacity.
    headroom: float = Field(default=0.0, ge=0, lt=1)
    # One decision holds at most this many placements; more wait for the next slice.
    max_placements: int = Field(default=500, ge=1, le=10_000)
    # How to choose among nodes that fit, for jobs that do not say: `pack`, `spread`,
    # `best-fit`, `least-fragmentation` or `cheapest`.
    strategy: Annotated[str, one_of_ours(STRATEGIES)] = "pack"
    # How to choose among clusters that fit: `load-balance`, `best-fit`, `priority`, `affinity` or
    # `cost`.
    cluster_strategy: Annotated[str, one_of_ours(CLUSTER_STRATEGIES)] = "load-balance"
    # Labels of nodes that say where they are, from coarse to fine; the node itself is the finest
    # level and not named.
    topology: tuple[str, ...] = ("zone", "rack")
    # The label of a node that holds its price an hour, for `cheapest` and `cost`.
    price_label: str = "price"
    # Of jobs that name neither an estimate nor a limit: what they are expected to cost.
    expected_duration: PositiveDuration = timedelta(hours=1)
    multifactor: MultifactorSettings = MultifactorSettings()

    @field_validator("topology")
    @classmethod
    def _check_topology(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for level in value:
            if level == NODE_LEVEL:
                raise ValueError(f"names {NODE_LEVEL!r}, which is the finest level in any case")
            if not is_label_name(level):
                raise ValueError(f"names {level[:80]!r}: each {NAME_RULE}")
        if len(dict.fromkeys(value)) < len(value):
            raise ValueError("names a level twice")
        return value

    @field_validator("price_label")
    @classmethod
    def _check_price_label(cls, value: str) -> str:
        if not is_label_name(value):
            raise ValueError(NAME_RULE)
        return value


class FairnessSettings(Section):
    """How the cluster is divided among queues."""

    # `corrected`, or `kai`: whole units, as KAI-Scheduler divides.
    mode: Annotated[str, one_of_ours(FAIRNESS_MODES)] = "corrected"
    # USG-25: How hard history bends what is above `deserved`; 0: not at all.
    k_value: float = Field(default=1.0, ge=0, le=1_000_000, allow_inf_nan=False)
    # Divide whole units in `corrected` too.
    round_to_units: bool = False
