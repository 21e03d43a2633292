"""The orders inside a queue that come with Evenflow. Others are handed in beside them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from evenflow.common.domain.plugins.policy import Policy
from evenflow.policy_engine.core.ordering.policies.jobs import (
    DEADLINE,
    FIFO,
    PRIORITY,
    SHORTEST_FIRST,
)
from evenflow.policy_engine.core.ordering.policies.multifactor import MULTIFACTOR
from evenflow.policy_engine.core.ordering.policies.users import FAIR_TREE, FAIRSHARE

BUILT_IN: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        policy.name: policy
        for policy in (FIFO, PRIORITY, FAIRSHARE, FAIR_TREE, MULTIFACTOR, SHORTEST_FIRST, DEADLINE)
    }
)

__all__ = [
    "BUILT_IN",
    "DEADLINE",
    "FAIRSHARE",
    "FAIR_TREE",
    "FIFO",
    "MULTIFACTOR",
    "PRIORITY",
    "SHORTEST_FIRST",
]
