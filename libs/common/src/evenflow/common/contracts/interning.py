"""Equal parts of submitted jobs as one object: services keep jobs for as long as they wait.

A decoded message brings a dict of amounts and one of constraints for each of its jobs, while all
jobs of a shard know a few shapes. Nobody changes these parts, so jobs may have them in common.
"""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.entry import Fact
from evenflow.common.domain.facts import jobs
from evenflow.common.domain.jobs.constraints import ANYWHERE

MOST_KEPT: Final = 4_096
"""Requests that are remembered; beyond it they are forgotten, and later ones are shared anew."""

_Request = tuple[tuple[str, int], ...]
_requests: Final[dict[_Request, Mapping[str, int]]] = {}
_no_config: Final[Mapping[str, object]] = {}


def interned(fact: Fact) -> Fact:
    """Let the jobs of a fact that was just decoded share what is equal; return that fact."""
    if isinstance(fact, jobs.Submitted):
        put = object.__setattr__  # specs are frozen for everybody else
        for spec in fact.jobs:
            put(spec, "resources", _shared(spec.resources))
            if not spec.executor_config:
                put(spec, "executor_config", _no_config)
            if spec.constraints == ANYWHERE:
                put(spec, "constraints", ANYWHERE)
    return fact


def _shared(resources: Mapping[str, int]) -> Mapping[str, int]:
    key = tuple(resources.items())  # in their order, as it was said
    found = _requests.get(key)
    if found is None:
        if len(_requests) >= MOST_KEPT:
            _requests.clear()
        found = _requests[key] = resources
    return found
