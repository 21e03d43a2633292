"""One settings tree for every process. Only `app.py` files call `load`.

A file, `.env` and the environment go in; a frozen `Settings`, or all problems at once, come out.
`sections` says what may be set, `sources` reads, `problems` tells what is wrong.
"""

from evenflow.common.runtime.settings.load import CONFIG_VARIABLE, config_file, load
from evenflow.common.runtime.settings.problems import InvalidSettings, Problem
from evenflow.common.runtime.settings.sections.alerts import AlertsSettings, WebhookSettings
from evenflow.common.runtime.settings.sections.execution import (
    BinderSettings,
    ExecutorSettings,
    LocalExecutorSettings,
)
from evenflow.common.runtime.settings.sections.gateway import GatewaySettings
from evenflow.common.runtime.settings.sections.history import HistorySettings
from evenflow.common.runtime.settings.sections.preemption import PreemptionSettings
from evenflow.common.runtime.settings.sections.process import (
    BindSettings,
    CheckpointSettings,
    ClockSettings,
    LogSettings,
    LogStoreSettings,
    ShardSettings,
)
from evenflow.common.runtime.settings.sections.quotas import QuotaSettings
from evenflow.common.runtime.settings.sections.scheduling import (
    BackfillSettings,
    FairnessSettings,
    MultifactorSettings,
    SchedulerSettings,
)
from evenflow.common.runtime.settings.sections.settings import Settings
from evenflow.common.runtime.settings.sections.stores import NatsSettings, RedisSettings
from evenflow.common.runtime.settings.sections.usage import (
    ExportSettings,
    InfluxExportSettings,
    UsageSettings,
)
from evenflow.common.runtime.settings.sections.usage_backends import (
    BackendSettings,
    HttpAccess,
    InfluxSettings,
    PrometheusSettings,
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
