"""The gaps of EASY backfill: who may start behind a job that has the one reservation."""

from collections.abc import Iterable

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core import availability
from evenflow.policy_engine.core.availability import Shadow
from evenflow.simulator.pool.machine import Machine


def fill_gaps(
    machine: Machine, candidates: Iterable[int], shadow: Shadow, now: Instant
) -> tuple[list[int], Shadow]:
    """Start those candidates, in their order, that fit and delay the reservation nowhere.

    Returns who started, and what they leave of the reservation's shadow.
    """
    width, plan_us, free = machine.width, machine.plan_us, machine.free
    may_backfill = availability.may_backfill
    started = []
    for job in candidates:
        slots = width[job]
        if slots > free:
            continue
        end = now + plan_us[job]
        if not may_backfill(shadow, end, slots):
            continue
        if end > shadow.at:
            shadow = Shadow(shadow.at, shadow.extra - slots)
        machine.begin(job, now)
        started.append(job)
        free -= slots
        if not free:
            break
    return started, shadow
