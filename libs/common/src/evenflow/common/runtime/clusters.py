"""The kinds of clusters that can be chosen, and the one that the settings chose."""

from typing import Final, TypeGuard

from evenflow.common.ports.cluster import ClusterKind, ClusterSetup
from evenflow.common.runtime.registry import Registry
from evenflow.common.runtime.settings import Settings
from evenflow.common.runtime.settings.problems import reporting


def _is_kind(part: object) -> TypeGuard[ClusterKind]:
    return isinstance(part, ClusterKind)


CLUSTERS: Final = Registry(
    "clusters",
    _is_kind,
    {
        "local": "evenflow.common.adapters.local.plugin:KIND",
        "simulated": "evenflow.common.adapters.simulated.plugin:KIND",
    },
)
"""Entry points of the group `evenflow.clusters` add to it."""


def chosen_cluster(settings: Settings) -> tuple[ClusterKind, ClusterSetup]:
    """Return the kind of cluster that was chosen, and what it is told.

    Raises:
        InvalidSettings: it is not installed, or refuses its settings.
    """
    name = settings.cluster_choice.kind
    options = settings.executor.model_dump().get(name) or {}
    setup = ClusterSetup(spec=settings.cluster, data_dir=settings.data_dir, options=options)
    with reporting("cluster", settings.cluster):
        kind = CLUSTERS.get(name)
        kind.check(setup)
    return kind, setup


def check_cluster(settings: Settings) -> None:
    """Judge the choice before anything is started; for `run_service`.

    Raises:
        InvalidSettings: as `chosen_cluster`.
    """
    chosen_cluster(settings)
