"""The settings of all services as one frozen tree of sections."""

from pathlib import Path
from typing import Final, Self

from pydantic import field_validator, model_validator

from evenflow.common.runtime.settings.sections.alerts import AlertsSettings
from evenflow.common.runtime.settings.sections.auth import AuthSettings
from evenflow.common.runtime.settings.sections.execution import BinderSettings, ExecutorSettings
from evenflow.common.runtime.settings.sections.gateway import GatewaySettings
from evenflow.common.runtime.settings.sections.preemption import PreemptionSettings
from evenflow.common.runtime.settings.sections.process import (
    BindSettings,
    CheckpointSettings,
    ClockSettings,
    LogSettings,
    LogStoreSettings,
    ShardSettings,
    SupervisorSettings,
)
from evenflow.common.runtime.settings.sections.quotas import QuotaSettings
from evenflow.common.runtime.settings.sections.scheduling import (
    BackfillSettings,
    FairnessSettings,
    SchedulerSettings,
)
from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.sections.stores import NatsSettings, RedisSettings
from evenflow.common.runtime.settings.sections.usage import ExportSettings, UsageSettings
from evenflow.common.runtime.settings.values import ClusterChoice, parse_cluster

SECRET_FIELDS: Final = frozenset({"password", "secret", "token"})
"""Names of fields whose values are never shown."""


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
    auth: AuthSettings = AuthSettings()
    binder: BinderSettings = BinderSettings()
    executor: ExecutorSettings = ExecutorSettings()
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()
    log_store: LogStoreSettings = LogStoreSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    bind: BindSettings = BindSettings()
    supervisor: SupervisorSettings = SupervisorSettings()
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
