"""One settings tree for every process. Only `app.py` files call `load`."""

from evenflow.common.runtime.settings.load import CONFIG_VARIABLE, config_file, load
from evenflow.common.runtime.settings.problems import InvalidSettings, Problem
from evenflow.common.runtime.settings.sections.alerts import AlertsSettings, WebhookSettings
from evenflow.common.runtime.settings.sections.history import HistorySettings
from evenflow.common.runtime.settings.sections.preemption import PreemptionSettings
from evenflow.common.runtime.settings.sections.scheduling import (
    BackfillSettings,
    FairnessSettings,
    MultifactorSettings,
    SchedulerSettings,
)
from evenflow.common.runtime.settings.sections.settings import (
    BinderSettings,
    BindSettings,
    CheckpointSettings,
    ClockSettings,
    ExecutorSettings,
    GatewaySettings,
    LocalExecutorSettings,
    LogSettings,
    LogStoreSettings,
    NatsSettings,
    QuotaSettings,
    RedisSettings,
    Settings,
    ShardSettings,
)
from evenflow.common.runtime.settings.sections.usage import (
    BackendSettings,
    ExportSettings,
    HttpAccess,
    InfluxExportSettings,
    InfluxSettings,
    PrometheusSettings,
    UsageSettings,
    VictoriaMetricsSettings,
)
from evenflow.common.runtime.settings.values import ClusterChoice, parse_cluster

__all__ = [
    "CONFIG_VARIABLE",
    "AlertsSettings",
    "BackendSettings",
    "BackfillSettings",
    "BindSettings",
    "BinderSettings",
    "CheckpointSettings",
    "ClockSettings",
    "ClusterChoice",
    "ExecutorSettings",
    "ExportSettings",
    "FairnessSettings",
    "GatewaySettings",
    "HistorySettings",
    "HttpAccess",
    "InfluxExportSettings",
    "InfluxSettings",
    "InvalidSettings",
    "LocalExecutorSettings",
    "LogSettings",
    "LogStoreSettings",
    "MultifactorSettings",
    "NatsSettings",
    "PreemptionSettings",
    "Problem",
    "PrometheusSettings",
    "QuotaSettings",
    "RedisSettings",
    "SchedulerSettings",
    "Settings",
    "ShardSettings",
    "UsageSettings",
    "VictoriaMetricsSettings",
    "WebhookSettings",
    "config_file",
    "load",
    "parse_cluster",
]
