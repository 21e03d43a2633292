"""What the engine decides by that others may add to, as the settings choose it.

All installed policies are loaded at the start, not only the shard's: a queue may name any of them
later, and the core cannot look anything up.
"""

from datetime import timedelta
from typing import Final, TypeGuard

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.plugins.policy import Policy
from evenflow.common.domain.plugins.quota_provider import QuotaProviderKind
from evenflow.common.runtime.registry import Registry
from evenflow.common.runtime.settings import Settings
from evenflow.common.runtime.settings.problems import reporting
from evenflow.common.runtime.settings.sections.scheduling import BACKFILL_POLICY
from evenflow.policy_engine.core.estimates import BUILT_IN, EstimatorKind
from evenflow.policy_engine.core.ordering.plugin_policies import policy_of
from evenflow.policy_engine.core.ordering.policies import FIFO
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.policy_engine.quota_kinds import told_the_time

_MICROSECOND: Final = timedelta(microseconds=1)


def _is_policy(part: object) -> TypeGuard[Policy]:
    return isinstance(part, Policy)


def _is_estimator(part: object) -> TypeGuard[EstimatorKind]:
    return callable(part) and isinstance(getattr(part, "name", None), str)


def _is_provider(part: object) -> TypeGuard[QuotaProviderKind]:
    return isinstance(part, QuotaProviderKind)


def policy_registry() -> Registry[Policy]:
    """Return all policies that there are.

    Entry points of the group `evenflow.policies` add to ours: each leads to a `Policy`, or to what
    has the methods of `SchedulingPolicy`.
    """
    ours = "evenflow.policy_engine.core.ordering.policies"
    return Registry(
        "policies",
        _is_policy,
        {
            "deadline": f"{ours}:DEADLINE",
            "fair-tree": f"{ours}:FAIR_TREE",
            "fairshare": f"{ours}:FAIRSHARE",
            "fifo": f"{ours}:FIFO",
            "multifactor": f"{ours}:MULTIFACTOR",
            "priority": f"{ours}:PRIORITY",
            "shortest-first": f"{ours}:SHORTEST_FIRST",
        },
        adapt=policy_of,
    )


POLICIES: Final = policy_registry()
QUOTA_PROVIDERS: Final = Registry(
    "quota_providers",
    _is_provider,
    {"local": "evenflow.policy_engine.core.gates.local_quotas:LOCAL"},
)
"""Entry points of the group `evenflow.quota_providers` add to it."""
ESTIMATORS: Final = Registry(
    "estimates",
    _is_estimator,
    {
        "learned": "evenflow.policy_engine.core.estimates:Learned",
        "limit": "evenflow.policy_engine.core.estimates:Limit",
        "mean2": "evenflow.policy_engine.core.estimates:Mean2",
    },
)
"""Entry points of the group `evenflow.estimates` add to it: each leads to an `EstimatorKind`."""


def scheduler_settings(settings: Settings) -> SchedulerSettings:
    """Return what cycles decide by, in the units of the domain."""
    given, fairness, gaps = settings.scheduler, settings.fairness, settings.backfill
    weights, stops = given.multifactor, settings.preemption
    is_backfill = given.policy == BACKFILL_POLICY
    return SchedulerSettings(
        policy=FIFO.name if is_backfill else given.policy,
        strict_order=given.strict_order,
        headroom_milli=round(given.headroom * 1000),
        max_placements=given.max_placements,
        strategy=given.strategy,
        cluster_strategy=given.cluster_strategy,
        topology=given.topology,
        price_label=given.price_label,
        fairness_mode=fairness.mode,
        k=fairness.k_value,
        round_to_units=fairness.round_to_units,
        expected_duration_us=given.expected_duration // _MICROSECOND,
        weight_age=weights.age,
        weight_fair_share=weights.fair_share,
        weight_size=weights.size,
        weight_priority=weights.priority,
        max_age_us=weights.max_age // _MICROSECOND,
        damping=weights.damping,
        backfill="easy" if is_backfill and given.backfill == "off" else given.backfill,
        backfill_order=gaps.order,
        backfill_reservations=gaps.reservations,
        backfill_tested_jobs=gaps.tested_jobs,
        estimates=gaps.estimates,
        reclaim=stops.reclaim,
        preempt=stops.preempt,
        consolidate=stops.consolidate,
        preemption_threshold=stops.threshold,
        preemption_scope=stops.scope,
        most_victims=stops.max_per_cycle,
        minimum_run_us=stops.minimum_run // _MICROSECOND,
        lost_gpu_per_cycle=_milli(stops.lost_gpu_seconds_per_cycle),
        lost_gpu_per_hour=_milli(stops.lost_gpu_seconds_per_hour),
    )


def _milli(amount: float | None) -> int | None:
    return None if amount is None else round(amount * 1000)


def plugins_of(settings: Settings) -> Plugins:
    """Return what the core decides by.

    Raises:
        InvalidSettings: a name that nothing has, or that two have, or a part that cannot be used.
    """
    with reporting("scheduler.policy", settings.scheduler.policy):
        POLICIES.get(scheduler_settings(settings).policy)
        policies = POLICIES.every()
    with reporting("quota.provider", settings.quota.provider):
        quotas = told_the_time(QUOTA_PROVIDERS.get(settings.quota.provider))
    with reporting("backfill.estimates", settings.backfill.estimates):
        chosen = ESTIMATORS.get(settings.backfill.estimates)
    return Plugins(policies, quotas, {**BUILT_IN, chosen.name: chosen})


def check_plugins(settings: Settings) -> None:
    """Judge the choice before anything is started; for `run_service`.

    Raises:
        InvalidSettings: as `plugins_of`.
    """
    plugins_of(settings)
