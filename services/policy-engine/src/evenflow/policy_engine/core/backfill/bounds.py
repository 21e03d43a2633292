"""What a start would cost those who go first, and until when it may have what it takes."""

from typing import NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.estimates.run_times import longest_run_us
from evenflow.policy_engine.core.gates.gates import PARKED
from evenflow.policy_engine.core.reservations import Conflict
from evenflow.policy_engine.core.session.promises import Losses
from evenflow.policy_engine.core.session.session import Session
from evenflow.policy_engine.core.waiting.job_class import JobGroup


class Bounds(NamedTuple):
    """What a placement costs promises, and which reservation it would be in the way of first."""

    losses: Losses
    conflict: Conflict | None

    def admit(self, session: Session, planned_us: int, spec: JobSpec | None) -> bool:
        """Whether a job that is planned to run so long may have it; None: any such job might."""
        if not are_admitted(self.losses, session.now + planned_us):
            return False
        if self.conflict is None:
            return True
        default_us = session.settings.expected_duration_us
        sure_us = min(planned_us, default_us) if spec is None else longest_run_us(spec, default_us)
        return session.now + sure_us <= self.conflict.at

    def take(self, end: Instant) -> None:
        """Let it have the room until then."""
        take(self.losses, end)


def are_admitted(losses: Losses, end: Instant) -> bool:
    """Whether what costs promises so much until `end` leaves them whole."""
    return all(promise.admits(end, lost) for promise, lost in losses)


def take(losses: Losses, end: Instant) -> None:
    """Let it have the room until `end`."""
    for promise, lost in losses:
        promise.take(end, lost)


def is_hopeless(session: Session, path: str, group: JobGroup) -> bool:
    """Whether no waiting helps the jobs of a group, as nodes and limits are: they wait elsewhere.

    Those that had a turn do so already; others must not count either until they have one.
    """
    state, job_id = session.state, group.keys.first()[2]
    if not state.rooms.could_hold(group.shape):
        return True
    spec, scope = state.shard.jobs[job_id].spec, state.waiting.scope_of(path)
    if not scope:
        return False
    refused = session.gates.judge(scope, whole_request(spec), spec.job_type)
    return refused is not None and refused[1].code in PARKED
