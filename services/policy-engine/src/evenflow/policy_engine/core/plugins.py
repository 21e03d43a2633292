"""What a core decides by that others may add to. It is handed in: a core looks nothing up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.policy import Policy
from evenflow.common.domain.quota_provider import QuotaProviderKind
from evenflow.policy_engine.core.estimates import BUILT_IN as ESTIMATORS
from evenflow.policy_engine.core.estimates import EstimatorKind
from evenflow.policy_engine.core.policies import BUILT_IN
from evenflow.policy_engine.core.quota import LOCAL


@dataclass(frozen=True, slots=True)
class Plugins:
    """Policies that queues may name, the one provider of quotas, and estimates of run times."""

    policies: Mapping[str, Policy] = field(default_factory=lambda: BUILT_IN)
    quotas: QuotaProviderKind = LOCAL
    estimators: Mapping[str, EstimatorKind] = field(default_factory=lambda: ESTIMATORS)


OURS: Final = Plugins()
