"""Which executors a job may name: those of clusters here; their kinds judge the rest."""

from collections.abc import Callable, Mapping

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.runtime.clusters import CLUSTERS
from evenflow.gateway.gateway import Gateway

CheckConfig = Callable[[str, Mapping[str, object]], None]
"""Judges by (executor, executor_config); raises InvalidValue."""


def config_checker(gateway: Gateway) -> CheckConfig:
    """Return what judges the executors of one request's jobs.

    A cluster is here when the settings choose it, or when an exporter has told of its nodes.
    """
    chosen = gateway.settings.cluster_choice.kind
    others: frozenset[str] | None = None

    def check(executor: str, config: Mapping[str, object]) -> None:
        nonlocal others
        if executor != chosen:
            if others is None:
                others = frozenset(node.kind for node in gateway.state().nodes.values())
            if executor not in others:
                here = ", ".join(sorted({chosen, *others}))
                raise InvalidValue("executor", executor, f"is no cluster here; there is {here}")
            if executor not in CLUSTERS.names():
                raise InvalidValue(
                    "executor",
                    executor,
                    "is a cluster here, but its kind is not installed where the gateway runs: "
                    "install its distribution there too",
                )
        CLUSTERS.get(executor).check_job(config)

    return check
