"""The orders inside a queue that come with Evenflow. Others are handed in beside them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from evenflow.common.domain.job import Job
from evenflow.common.domain.policy import Policy, Rank

_LEVEL: Final[Rank] = ()


def _by_position(job: Job) -> Rank:  # noqa: ARG001
    return _LEVEL


def _by_priority(job: Job) -> Rank:
    return (-job.spec.priority,)


FIFO: Final = Policy("fifo", _by_position)  # SCH-06
PRIORITY: Final = Policy("priority", _by_priority)  # SCH-07
BUILT_IN: Final[Mapping[str, Policy]] = MappingProxyType({p.name: p for p in (FIFO, PRIORITY)})
