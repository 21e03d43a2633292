"""What the engine decides by that others may add to, as the settings choose it.

All installed policies are loaded at the start, not only the shard's: a queue may name any of them
later, and the core cannot look anything up.
"""

from typing import Final, TypeGuard

from evenflow.common.domain.policy import Policy
from evenflow.common.domain.quota_provider import QuotaProviderKind
from evenflow.common.runtime.registry import Registry
from evenflow.common.runtime.settings import Settings
from evenflow.common.runtime.settings.problems import telling
from evenflow.policy_engine.core.plugins import Plugins


def _is_policy(part: object) -> TypeGuard[Policy]:
    return isinstance(part, Policy)


def _is_provider(part: object) -> TypeGuard[QuotaProviderKind]:
    return isinstance(part, QuotaProviderKind)


POLICIES: Final = Registry(
    "policies",
    _is_policy,
    {
        "fifo": "evenflow.policy_engine.core.policies:FIFO",
        "priority": "evenflow.policy_engine.core.policies:PRIORITY",
    },
)
"""Entry points of the group `evenflow.policies` add to it."""
QUOTA_PROVIDERS: Final = Registry(
    "quota_providers", _is_provider, {"local": "evenflow.policy_engine.core.quota:LOCAL"}
)
"""Entry points of the group `evenflow.quota_providers` add to it."""


def plugins_of(settings: Settings) -> Plugins:
    """Return what the core decides by.

    Raises:
        InvalidSettings: a name that nothing has, or that two have, or a part that cannot be used.
    """
    with telling("scheduler.policy", settings.scheduler.policy):
        POLICIES.get(settings.scheduler.policy)
        policies = POLICIES.every()
    with telling("quota.provider", settings.quota.provider):
        quotas = QUOTA_PROVIDERS.get(settings.quota.provider)
    return Plugins(policies, quotas)


def check_plugins(settings: Settings) -> None:
    """Judge the choice before anything is started; for `run_service`.

    Raises:
        InvalidSettings: as `plugins_of`.
    """
    plugins_of(settings)
