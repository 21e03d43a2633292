"""The settings of all services: one frozen tree, each field with its unit and its reason."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from evenflow.common.domain.queues.quota import QUOTA_PROVIDERS
from evenflow.common.runtime.settings.sections.alerts import AlertsSettings, Thresholds
from evenflow.common.runtime.settings.sections.preemption import PreemptionSettings
from evenflow.common.runtime.settings.sections.scheduling import (
    BackfillSettings,
    FairnessSettings,
    SchedulerSettings,
)
from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.sections.usage import ExportSettings, UsageSettings
from evenflow.common.runtime.settings.servers import secret_from_file, server_url
from evenflow.common.runtime.settings.values import (
    ByteSize,
    ClusterChoice,
    Duration,
    PositiveDuration,
    one_of,
    parse_cluster,
)

GiB: Final = 2**30
SECRET_FIELDS: Final = frozenset({"password", "secret", "token"})
"""Names of fields whose values are never shown."""


class ShardSettings(Section):
    """Which part of the fleet this process serves."""

    # The name becomes part of subjects, streams and keys: one plain token.
    name: str = Field(default="main", pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")


class NatsSettings(Section):
    """The broker. Several servers of one cluster are separated by commas."""

    # Of one server, or of several of one cluster, without a password.
    url: str = "nats://127.0.0.1:4222"
    # Absent: the server asks for none.
    user: str | None = None
    # Better in a file: environments are easily read.
    password: SecretStr | None = None
    # One line, read at start.
    password_file: Path | None = None
    # Of one try; a service goes on trying.
    connect_timeout: PositiveDuration = timedelta(seconds=2)

    _secret = model_validator(mode="before")(secret_from_file("password"))

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        for url in value.split(","):
            server_url(url.strip(), ("nats", "tls"))
        return value

    @property
    def servers(self) -> list[str]:
        """The URLs, one a server."""
        return [url.strip() for url in self.url.split(",")]


class RedisSettings(Section):
    """Redis or Valkey: usage snapshots and caches, never the truth."""

    # With the number of the database, without a password.
    url: str = "redis://127.0.0.1:6379/0"
    # Absent: the server's default user.
    user: str | None = None
    # Better in a file: environments are easily read.
    password: SecretStr | None = None
    # One line, read at start.
    password_file: Path | None = None

    _secret = model_validator(mode="before")(secret_from_file("password"))

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        return server_url(value, ("redis", "rediss"))


class QuotaSettings(Section):
    """Where project quotas are enforced."""

    # CFG-03 QUOTA_PROVIDER: `local` keeps them as facts in the log; others are installed (entry
    # points `evenflow.quota_providers`).
    provider: Annotated[str, one_of("quota_providers", QUOTA_PROVIDERS)] = "local"
    # Ratios of any limit of a quota at which an alert is told, as `quotas.alerted`. Empty: none.
    alerts: Thresholds = (0.8, 1.0)
    # An alert is told again only after usage fell this far below its ratio, in ratios of the limit.
    alert_hysteresis: float = Field(default=0.05, ge=0, lt=1)


class GatewaySettings(Section):
    """REST, event streams and the page."""

    # Loopback unless said otherwise: without tokens whoever reaches it may submit.
    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=0, le=65535)  # 0: a free one
    # postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE, a database for each gateway (its README).
    # Absent: SQLite under the data directory.
    database_url: SecretStr | None = None
    # Holds the bearer token, one line.
    token_file: Path | None = None
    # Refuse requests that do not carry the token.
    require_token: bool = False
    # Hosts, besides loopback and `host`, that a request may name in its Host header.
    allowed_hosts: tuple[str, ...] = ()
    # Larger requests are refused (413).
    max_body: ByteSize = 2**20
    # The same for `jobs:batch`.
    max_batch_body: ByteSize = 16 * 2**20
    # Make default/default at start, without limits, when it is not there.
    default_queue: bool = True
    # Ended jobs leave the view when they are older than this.
    keep_ended: Duration = timedelta(days=90)
    # Or when there are more of them than this: the oldest go first.
    keep_ended_rows: int = Field(default=1_000_000, ge=0)

    @model_validator(mode="after")
    def _check_token(self) -> Self:
        if self.require_token and self.token_file is None:
            raise ValueError("require_token needs a token_file")
        return self


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

    # The stream refuses new facts beyond this; an alarm comes at 80 %.
    max_bytes: ByteSize = 10 * GiB


class CheckpointSettings(Section):
    """When a checkpoint is taken, whichever comes first: it bounds what a restart must read."""

    # Wall seconds since the last one.
    every_seconds: int = Field(default=60, ge=1)
    # Facts since the last one.
    every_records: int = Field(default=100_000, ge=1)


class BindSettings(Section):
    """Where health, metrics and status listen."""

    # Loopback; a cluster's probes need another.
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)  # 0: a free one


class Settings(Section):
    """All settings of a process. `load()` makes it; only `app.py` files call that."""

    shard: ShardSettings = ShardSettings()
    nats: NatsSettings = NatsSettings()
    redis: RedisSettings = RedisSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    backfill: BackfillSettings = BackfillSettings()
    preemption: PreemptionSettings = PreemptionSettings()
    fairness: FairnessSettings = FairnessSettings()
    quota: QuotaSettings = QuotaSettings()
    alerts: AlertsSettings = AlertsSettings()
    usage: UsageSettings = UsageSettings()
    export: ExportSettings = ExportSettings()
    gateway: GatewaySettings = GatewaySettings()
    binder: BinderSettings = BinderSettings()
    executor: ExecutorSettings = ExecutorSettings()
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()
    log_store: LogStoreSettings = LogStoreSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    bind: BindSettings = BindSettings()
    # `local`; `simulated:100x8`: 100 nodes of 8 GPUs, 64 cores and 512 GiB each; or a kind that is
    # installed (entry points `evenflow.clusters`).
    cluster: str = "local"
    # Where this process may write; relative to the working directory.
    data_dir: Path = Path("evenflow-data")

    @field_validator("cluster")
    @classmethod
    def _check_cluster(cls, value: str) -> str:
        parse_cluster(value)
        return value

    @model_validator(mode="after")
    def _check_speed(self) -> Self:
        if self.clock.speed > 1 and not self.cluster_choice.is_simulated:
            raise ValueError(
                f"clock.speed {self.clock.speed} needs a simulated cluster: real work has its pace"
            )
        return self

    @property
    def cluster_choice(self) -> ClusterChoice:
        """What `cluster` names."""
        return parse_cluster(self.cluster)
