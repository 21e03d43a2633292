"""The sections about usage over time: windows, stores, and what is pushed into them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from evenflow.common.runtime.settings.sections.history import HistorySettings, Prices
from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.servers import secret_from_file, server_url
from evenflow.common.runtime.settings.values import Duration, PositiveDuration, one_of

USAGE_BACKENDS: Final = ("log", "prometheus", "victoriametrics", "influx", "memory")
"""Kinds of usage stores that come with Evenflow."""


def _http_url(value: str) -> str:
    return server_url(value, ("http", "https"), "password_file or token_file").rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""`http://host:9090` or with a path; no password in it."""


class HttpAccess(Section):
    """A server that is asked by HTTP: as whom, and how far it is trusted."""

    # Sent as a bearer token (InfluxDB: as its token). Better in a file.
    token: SecretStr | None = None
    # One line, read at start.
    token_file: Path | None = None
    # For HTTP basic authentication.
    user: str | None = None
    # Better in a file: environments are easily read.
    password: SecretStr | None = None
    # One line, read at start.
    password_file: Path | None = None
    # Certificates that are trusted besides the system's: a PEM file.
    ca_file: Path | None = None
    # Trust whatever certificate the server shows.
    skip_verify: bool = False
    # Without a whole answer for this long a query has failed; wall time.
    timeout: PositiveDuration = timedelta(seconds=10)

    _token = model_validator(mode="before")(secret_from_file("token"))
    _password = model_validator(mode="before")(secret_from_file("password"))

    @model_validator(mode="after")
    def _check_access(self) -> Self:
        if self.token is not None and self.user is not None:
            raise ValueError("token and user are both given; keep one")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise ValueError(f"ca_file {self.ca_file} is not a file")
        return self


class PrometheusSettings(HttpAccess):
    """Prometheus, Thanos, or whatever else answers PromQL."""

    # Absent: this backend cannot be chosen.
    url: HttpUrl | None = None
    # The exporter's counter of resource-seconds.
    metric: str = Field(
        default="evenflow_usage_seconds_total", pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
    )
    # The exporter's gauge of what the cluster has.
    capacity_metric: str = Field(
        default="evenflow_cluster_capacity", pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
    )
    # Only series whose labels have these values, as {cluster: east}.
    labels: dict[str, str] = Field(default_factory=dict)
    # Instead of the counter: PromQL that tells what was used within `$window` of the instant asked
    # for, with the labels queue, resource and, where it can, project and user. `$window` is a
    # millisecond shorter than the step, so that two steps never share a sample.
    query: str | None = None
    # How far apart the instants of a cold start are.
    query_resolution: PositiveDuration = timedelta(minutes=1)
    # A cold start asks for at most this much in one query.
    slice: PositiveDuration = timedelta(hours=6)
    # A counter that was not scraped for this long has no value.
    lookback: PositiveDuration = timedelta(minutes=5)
    # Samples are asked for only when they are this old: stores may show them late.
    delay: Duration = timedelta(0)

    @field_validator("query")
    @classmethod
    def _check_query(cls, value: str | None) -> str | None:
        if value is not None and "$window" not in value:
            raise ValueError("must use $window, the time that it is to tell the usage of")
        return value

    @model_validator(mode="after")
    def _check_slice(self) -> Self:
        if self.slice < self.query_resolution:
            raise ValueError("slice must not be shorter than query_resolution")
        if self.query_resolution.microseconds:
            raise ValueError("query_resolution must be whole seconds")
        return self


class VictoriaMetricsSettings(PrometheusSettings):
    """VictoriaMetrics, by its own URL."""

    # Samples are asked for only when they are this old. The server hides the newest 30 seconds
    # (its `-search.latencyOffset`).
    delay: Duration = timedelta(seconds=30)


class InfluxSettings(HttpAccess):
    """InfluxDB, by InfluxQL over HTTP."""

    # Absent: this backend cannot be chosen.
    url: HttpUrl | None = None
    # Or the bucket, where it is mapped to one.
    database: str = Field(default="evenflow", min_length=1)
    # The counters that the exporter pushes (`export.influx`).
    measurement: str = Field(default="evenflow_usage", min_length=1)
    # What the cluster has.
    capacity_measurement: str = Field(default="evenflow_capacity", min_length=1)
    # Instead of the counters: InfluxQL that gives series with the tags queue, resource and, where
    # it can, project and user, and one value at each time: what was used by then since the one
    # before. `$since` and `$until` are the times it is to tell of, in nanoseconds, the first one
    # excluded.
    query: str | None = None
    # How far apart the instants of a cold start are.
    query_resolution: PositiveDuration = timedelta(minutes=1)
    # A cold start asks for at most this much in one query.
    slice: PositiveDuration = timedelta(hours=6)
    # Samples are asked for only when they are this old.
    delay: Duration = timedelta(seconds=2)

    @field_validator("query")
    @classmethod
    def _check_query(cls, value: str | None) -> str | None:
        if value is not None and not ("$since" in value and "$until" in value):
            raise ValueError("must use $since and $until, the times it is to tell of")
        return value


class BackendSettings(Section):
    """Where usage comes from; a section a kind. Those of installed kinds judge their own."""

    model_config = ConfigDict(extra="allow")

    # `log`, the stream of samples; `prometheus`, `victoriametrics`, `influx`; `memory`, for tests;
    # or one that is installed (entry points `evenflow.usage_backends`). Absent: `prometheus` when
    # only its URL is set, else `log`.
    type: Annotated[str, one_of("usage_backends", USAGE_BACKENDS)] | None = None
    prometheus: PrometheusSettings = PrometheusSettings()
    victoriametrics: VictoriaMetricsSettings = VictoriaMetricsSettings()
    influx: InfluxSettings = InfluxSettings()

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        of_kind = getattr(self, self.chosen, None)
        if isinstance(of_kind, PrometheusSettings | InfluxSettings) and of_kind.url is None:
            raise ValueError(f"type {self.chosen} needs {self.chosen}.url")
        return self

    @property
    def chosen(self) -> str:
        """The name of the kind."""
        if self.type is not None:
            return self.type
        urls = {
            name
            for name in ("prometheus", "victoriametrics", "influx")
            if getattr(self, name).url is not None
        }
        return "prometheus" if urls == {"prometheus"} else "log"


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
