"""One settings tree for every process. Only `app.py` files call `load`."""

from evenflow.common.runtime.settings.load import CONFIG_VARIABLE, config_file, load
from evenflow.common.runtime.settings.problems import InvalidSettings, Problem
from evenflow.common.runtime.settings.scheduling import (
    FairnessSettings,
    MultifactorSettings,
    SchedulerSettings,
)
from evenflow.common.runtime.settings.sections import (
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
    UsageSettings,
)
from evenflow.common.runtime.settings.values import ClusterChoice, parse_cluster

__all__ = [
    "CONFIG_VARIABLE",
    "BindSettings",
    "BinderSettings",
    "CheckpointSettings",
    "ClockSettings",
    "ClusterChoice",
    "ExecutorSettings",
    "FairnessSettings",
    "GatewaySettings",
    "InvalidSettings",
    "LocalExecutorSettings",
    "LogSettings",
    "LogStoreSettings",
    "MultifactorSettings",
    "NatsSettings",
    "Problem",
    "QuotaSettings",
    "RedisSettings",
    "SchedulerSettings",
    "Settings",
    "ShardSettings",
    "UsageSettings",
    "config_file",
    "load",
    "parse_cluster",
]
