"""The sections about how decisions become runs: the binder, and one section an executor."""

from datetime import timedelta

from pydantic import ConfigDict, Field

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import Duration, PositiveDuration


class BinderSettings(Section):
    """How decisions become runs."""

    # Starts in flight at once: more only queue up in the cluster.
    max_starts: int = Field(default=64, ge=1, le=4096)
    # A cluster call without an answer for this long is taken for lost and looked up again.
    call_timeout: PositiveDuration = timedelta(seconds=10)


class LocalExecutorSettings(Section):
    """Jobs as processes of this machine."""

    # Amounts instead of what was detected, as {cpu: 8, memory: 16Gi, gpu: 2}.
    capacity: dict[str, str | int | float] = Field(default_factory=dict)
    # Between SIGTERM and SIGKILL of a job.
    grace: Duration = timedelta(seconds=10)
    # Limit the address space of a job to its memory request, where the system can.
    enforce_memory: bool = True
    # Pin a job to as many cores as it asked for.
    affinity: bool = True
    # How long output and directory of an ended run are kept.
    retention: Duration = timedelta(days=7)


class ExecutorSettings(Section):
    """One section an executor; those of installed kinds are judged by the kind itself."""

    model_config = ConfigDict(extra="allow")

    local: LocalExecutorSettings = LocalExecutorSettings()
