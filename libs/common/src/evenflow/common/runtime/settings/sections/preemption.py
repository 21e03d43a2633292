"""The section on stopping what runs. It can be changed while the engine runs."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from evenflow.common.domain.decisions.settings import PREEMPTION_SCOPES
from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import Duration, one_of_ours


def _unlimited(value: object) -> object:
    return None if value in (-1, "-1") and not isinstance(value, bool) else value


GpuSeconds = Annotated[
    Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] | None,
    BeforeValidator(_unlimited),
]
"""GPU time; null or -1 for no limit, and 0 for nothing."""


class PreemptionSettings(Section):
    """Stopping jobs for others: they go back to their queues and begin anew."""

    # Stop jobs of queues above their fair share for those of queues below it.
    reclaim: bool = True
    # Stop jobs of lower priority, where a queue's policy does that.
    preempt: bool = True
    # Stop jobs that go on elsewhere at once, so that one fits which lacks room in one place only.
    consolidate: bool = False
    # SCH-08: Priorities have to be further apart than this.
    threshold: int = Field(default=10, ge=0, le=100)
    # How far priority reaches: to the jobs of a `project`, or of the whole `cluster`.
    scope: Annotated[str, one_of_ours(PREEMPTION_SCOPES)] = "project"
    # SCH-08: Jobs that one cycle stops at most; 0: none.
    max_per_cycle: int = Field(default=5, ge=0, le=1000)
    # Nobody is stopped before it ran for this long.
    minimum_run: Duration = timedelta(0)
    # GPU-seconds that victims have used and that one cycle may lose; absent: any, 0: stop nobody.
    lost_gpu_seconds_per_cycle: GpuSeconds = None
    # The same of all cycles within an hour.
    lost_gpu_seconds_per_hour: GpuSeconds = None
