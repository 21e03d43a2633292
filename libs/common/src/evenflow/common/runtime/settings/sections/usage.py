"""The sections about usage over time: how far back it counts, and what is pushed into stores."""

from datetime import UTC, datetime, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field, field_validator, model_validator

from evenflow.common.runtime.settings.sections.history import HistorySettings, Prices
from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.sections.usage_backends import (
    BackendSettings,
    HttpAccess,
    HttpUrl,
)
from evenflow.common.runtime.settings.values import Duration, PositiveDuration


class UsageSettings(Section):
    """How far back history counts and how fresh it must be, on the shard's clock."""

    # Age at which usage counts half; 0: it never fades.
    half_life: Duration = timedelta(hours=24)
    # `sliding`: what is older than `window_size` counts no more; `tumbling`: usage is reset every
    # `window_size`; `cron`: it is reset when `window_cron` says so.
    window_type: Literal["sliding", "tumbling", "cron"] = "sliding"
    # How far back usage counts at most. Not used by `cron`.
    window_size: PositiveDuration = timedelta(weeks=2)
    # An instant at which usage is reset, as 2026-01-05T00:00:00Z; the others lie whole window sizes
    # after it. Before it nothing counts. Only `tumbling` uses it, and needs it.
    tumbling_window_anchor: AwareDatetime | None = None
    # When usage is reset, as `0 0 * * MON`: minute, hour, day, month, day of week. Only `cron` uses
    # it, and needs it.
    window_cron: str | None = None
    # The IANA time zone that `window_cron` is in. A reset in the hour that is skipped in spring
    # comes at its end; one in the hour that comes twice in autumn comes the first time only.
    window_time_zone: str = "UTC"
    # How often the history is brought up to date.
    poll_interval: PositiveDuration = timedelta(seconds=60)
    # Older than this the history is unavailable and scheduling goes on without it, degraded. One
    # below `poll_interval` is raised to that.
    max_staleness: PositiveDuration = timedelta(minutes=5)
    # How long an engine waits at its start for the first snapshot that was ever taken on its log,
    # wall time; then it goes on without history. 0: not at all.
    startup_wait: Duration = timedelta(minutes=1)
    # How long samples stay in the log, wall time, to rebuild history from. Absent: a day longer
    # than the window (`cron`: 32 days), and at least two days.
    keep_samples: PositiveDuration | None = None
    backend: BackendSettings = BackendSettings()
    # What usage costs in reports, by the hour, as {gpu: 2.5, cpu: 0.03, memory: 0.004}: of a card,
    # a core, a GiB, a base unit of others. Resources that are not named cost nothing.
    prices: Prices = Field(default_factory=dict)
    history: HistorySettings = HistorySettings()

    @field_validator("window_time_zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is not an IANA time zone, such as Europe/Berlin") from error
        return value

    @field_validator("tumbling_window_anchor")
    @classmethod
    def _check_anchor(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.astimezone(UTC) < datetime(1970, 1, 1, tzinfo=UTC):
            raise ValueError("must not lie before 1970")
        return value

    @model_validator(mode="after")
    def _check_window(self) -> Self:
        if self.window_type == "tumbling" and self.tumbling_window_anchor is None:
            raise ValueError("window_type tumbling needs a tumbling_window_anchor")
        if self.window_type == "cron" and not self.window_cron:
            raise ValueError("window_type cron needs a window_cron")
        if self.window_type != "cron" and self.window_size < self.poll_interval:
            raise ValueError("window_size must not be shorter than poll_interval")
        if self.max_staleness < self.poll_interval:
            # USG-21; whoever uses it warns. Frozen for everybody else, so past its own guard.
            self.__dict__["max_staleness"] = self.poll_interval
        return self

    @property
    def sample_life(self) -> timedelta:
        """How long samples stay in the log."""
        if self.keep_samples is not None:
            return self.keep_samples
        window = timedelta(days=31) if self.window_type == "cron" else self.window_size
        return max(timedelta(days=2), window + timedelta(days=1))


class InfluxExportSettings(HttpAccess):
    """Counters and capacity as line protocol, each time a sample was taken."""

    # Absent: nothing is pushed.
    url: HttpUrl | None = None
    # Or the bucket, where it is mapped to one.
    database: str = Field(default="evenflow", min_length=1)


class ExportSettings(Section):
    """What the exporter tells others of usage."""

    # Jobs with series of their own at `/metrics`, until ten minutes after their end on the shard's
    # clock; those that began first have them. 0: none.
    max_job_series: int = Field(default=5000, ge=0, le=1_000_000)
    influx: InfluxExportSettings = InfluxExportSettings()
