"""Conservative backfill: every waiting job has a window, and no later job may delay an earlier."""

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core import availability
from evenflow.policy_engine.core.availability import FOREVER, Profile, Shadow
from evenflow.simulator.pool.machine import Machine
from evenflow.simulator.pool.waiting_order import WaitingOrder


class ConservativeBackfill:
    """Gives each waiting job the earliest window that those before it leave; some begin now.

    Windows are chosen anew at each instant in which somebody could start, so early ends are used.
    """

    def __init__(self, machine: Machine, order: WaitingOrder) -> None:
        """`order` says who chooses first."""
        self._machine = machine
        self._order = order

    def arrive(self, job: int) -> None:
        """Let a job wait."""
        self._order.arrive(job)

    def ended(self, job: int) -> None:
        """Take note of an end."""
        self._order.ended(job)

    def start_jobs(self, now: Instant) -> None:
        """Start those whose window begins now."""
        machine, order = self._machine, self._order
        if not order.has_fitting():
            return
        profile = Profile(now, machine.free, machine.planned_ends())
        waiting = order.in_order(now)
        width, plan_us = machine.width, machine.plan_us
        may_backfill = availability.may_backfill
        narrowest = min(width[job] for job in waiting)
        started = []
        for job in waiting:
            slots, plan = width[job], plan_us[job]
            if slots <= machine.free:
                # What the windows before leave from now on is a gap with a wall at its end.
                wall = Shadow(profile.lasts(slots, now), 0)
                if may_backfill(wall, now + plan, slots) or wall.at >= FOREVER:
                    machine.begin(job, now)
                    started.append(job)
                    profile.take(now, now + plan, slots)
                    if machine.free < narrowest:
                        break
                    continue
            start = profile.earliest(slots, plan)
            if start is not None:
                profile.take(start, start + plan, slots)
        order.leave(started)
