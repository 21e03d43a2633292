"""The sections about how decisions become runs: the binder, and one section an executor."""

import re
from datetime import timedelta
from typing import Final

from pydantic import ConfigDict, Field, field_validator

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import ByteSize, Duration, PositiveDuration

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
    # Variables of the binder's own environment that jobs get, as [LD_LIBRARY_PATH]. Without any
    # they get PATH, HOME, USER, LOGNAME, SHELL, LANG, LANGUAGE, LC_ALL, LC_CTYPE, TZ and TMPDIR.
    pass_environment: tuple[str, ...] = ()
    # How long output and directory of an ended run are kept.
    retention: Duration = timedelta(days=7)
    # How much of stdout, and of stderr, of a run is kept: its head, and at most a fourth of what
    # was free when it started. Of what comes after it the last 64 KiB follow when the run ends,
    # with a line that says how much lies between.
    output_limit: ByteSize = 1 << 30
    # How much of ended runs is kept together: beyond it the oldest go before their time.
    output_total: ByteSize = 20 << 30
    # What stays free of the disk of the data directory for log and view, at most 5 % of it: below
    # that no run starts here, and below twice that no output is kept.
    disk_reserve: ByteSize = 1 << 30

    @field_validator("pass_environment")
    @classmethod
    def _check_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a variable")
            if name.startswith("EVENFLOW_"):
                raise ValueError(f"{name} is for the services: jobs never get it")
        return value


class ExecutorSettings(Section):
    """One section an executor; those of installed kinds are judged by the kind itself."""

    model_config = ConfigDict(extra="allow")

    local: LocalExecutorSettings = LocalExecutorSettings()
