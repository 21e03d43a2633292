"""One settings tree for every process. Only `app.py` files call `load`."""

from evenflow.common.runtime.settings.load import CONFIG_VARIABLE, load
from evenflow.common.runtime.settings.problems import InvalidSettings, Problem
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
    SchedulerSettings,
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
    "GatewaySettings",
    "InvalidSettings",
    "LocalExecutorSettings",
    "LogSettings",
    "LogStoreSettings",
    "NatsSettings",
    "Problem",
    "QuotaSettings",
    "RedisSettings",
    "SchedulerSettings",
    "Settings",
    "ShardSettings",
    "UsageSettings",
    "load",
    "parse_cluster",
]
