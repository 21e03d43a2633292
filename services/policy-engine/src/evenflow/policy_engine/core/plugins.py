"""What a core decides by that others may add to. It is handed in: a core looks nothing up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.policy import Policy
from evenflow.common.domain.quota_provider import QuotaProviderKind
from evenflow.policy_engine.core.policies import BUILT_IN
from evenflow.policy_engine.core.quota import LOCAL


@dataclass(frozen=True, slots=True)
class Plugins:
    """The policies that a queue may name, and the one provider of quotas."""

    policies: Mapping[str, Policy] = field(default_factory=lambda: BUILT_IN)
    quotas: QuotaProviderKind = LOCAL


OURS: Final = Plugins()
