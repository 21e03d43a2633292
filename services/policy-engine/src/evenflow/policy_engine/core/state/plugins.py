"""What a core decides by that others may add to. It is handed in: a core looks nothing up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.plugins.policy import Policy
from evenflow.common.domain.plugins.quota_provider import QuotaProviderKind
from evenflow.policy_engine.core.estimates import BUILT_IN as ESTIMATORS
from evenflow.policy_engine.core.estimates import EstimatorKind
from evenflow.policy_engine.core.gates.local_quotas import LOCAL
from evenflow.policy_engine.core.ordering.policies import BUILT_IN


@dataclass(frozen=True, slots=True)
class Plugins:
    """Policies that queues may name, the one provider of quotas, and estimates of run times."""

    policies: Mapping[str, Policy] = field(default_factory=lambda: BUILT_IN)
    quotas: QuotaProviderKind = LOCAL
    estimators: Mapping[str, EstimatorKind] = field(default_factory=lambda: ESTIMATORS)


OURS: Final = Plugins()
