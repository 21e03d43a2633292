"""The small sections of every process: its shard, clock, log, checkpoints, where it listens."""

from datetime import timedelta
from typing import Final, Literal

from pydantic import Field

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import ByteSize, PositiveDuration

GiB: Final = 2**30


class ShardSettings(Section):
    """Which part of the fleet this process serves."""

    # The name becomes part of subjects, streams and keys: one plain token.
    name: str = Field(default="main", pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")


class ClockSettings(Section):
    """The shard's clock."""

    # Simulated seconds a wall second; above 1 only for simulated clusters.
    speed: int = Field(default=1, ge=1, le=1_000_000)


class LogSettings(Section):
    """What a process writes to stderr."""

    # The least important lines that are written.
    level: Literal["debug", "info", "warning", "error"] = "info"
    # `console` for people, `json` for collectors.
    format: Literal["console", "json"] = "console"


class LogStoreSettings(Section):
    """The event log."""

    # Beyond this submissions are refused; an alarm comes at 80 %. 0: no limit.
    max_bytes: ByteSize = 10 * GiB
    # How long the embedded broker may keep what it has acknowledged in memory alone: `always` is
    # not at all, so that a power cut loses nothing; `1s` or `2m` loses up to that much.
    sync: str = Field(default="always", pattern=r"^(always|[1-9]\d*(ms|s|m))$")
    # Above that, for what is always taken: cancels, ends of runs, decisions, cordons.
    reserve: ByteSize = GiB // 2
    # How long history is kept for replay, as long as there is room; at 70 % the oldest yields.
    keep: PositiveDuration = timedelta(days=30)
    # A reader that has not told its place for so long counts as dead: an alert names it.
    dead_after: PositiveDuration = timedelta(minutes=10)

    @property
    def stream_bytes(self) -> int:
        """How much the stream takes; 0: no limit."""
        return self.max_bytes + self.reserve if self.max_bytes else 0


class CheckpointSettings(Section):
    """When a checkpoint is taken, whichever comes first: it bounds what a restart must read."""

    # Wall seconds since the last one.
    every_seconds: int = Field(default=60, ge=1)
    # Facts since the last one.
    every_records: int = Field(default=100_000, ge=1)


class SupervisorSettings(Section):
    """How `evenflow up` watches the processes it runs."""

    # A process that does not answer for so long, and a broker that for so long grants leases to
    # nobody, is killed and started again.
    patience: PositiveDuration = timedelta(seconds=10)


class BindSettings(Section):
    """Where health, metrics and status listen."""

    # Loopback; a cluster's probes need another.
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)  # 0: a free one
