"""The sections about stores of usage: how each is asked, and which one is chosen."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.server_values import secret_from_file, server_url
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
