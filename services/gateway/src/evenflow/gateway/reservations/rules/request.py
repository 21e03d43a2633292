"""From what clients ask to reservations: values, units, whether there is room. Pure.

A courtesy, like the judging of submissions: the fold judges times and queue again, and the engine
keeps what the nodes have when the time comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.reservations.reservation import Reservation, asked_by, broken_rules
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.jobs.rules.constraints import (
    ConstraintFields,
    contradictions,
    read_constraints,
)
from evenflow.gateway.queues.rules.choice import UnknownQueue
from evenflow.gateway.reservations.rules.feasibility import shortage
from evenflow.gateway.values.amounts import TaskRequest, read_task
from evenflow.gateway.values.fields import STRICT
from evenflow.gateway.values.instants import LONGEST_SECONDS, read_instant
from evenflow.gateway.values.users import read_user


@dataclass(slots=True)
class ReservationFields:
    """The body of `POST /api/v1/reservations`. Requests are per task and read as those of a job.

    `start` and `end` are ISO times, or seconds from now; `duration_seconds` stands for `end`.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT | {"title": "ReservationRequest"}

    name: str
    queue_id: str
    start: float | str
    end: float | str | None = None
    duration_seconds: float | None = None
    tasks: int = 1
    cpu_request: float | str | None = None
    memory_request: float | str | None = None
    gpu_request: float | str | None = None
    resources: dict[str, float | str] | None = None
    constraints: ConstraintFields | None = None
    executor: str | None = None
    user_id: str | None = None


def read_reservation(
    state: ShardState,
    asked: ReservationFields,
    *,
    new_id: str,
    now: Instant,
    executor: str,
    user: str,
) -> tuple[Reservation | None, list[RequestRejected]]:
    """Return the reservation; None, with all the rules that it breaks, when it breaks any.

    `user` is who asks, where nobody else is named.
    """
    broken: list[RequestRejected] = []
    start = _instant("start", asked.start, now, broken)
    end = _end(asked, start, now, broken)
    request = TaskRequest(
        asked.cpu_request, asked.memory_request, asked.gpu_request, asked.resources
    )
    constraints, misshapen = read_constraints(asked.constraints)
    broken += misshapen
    queue = state.queue(asked.queue_id)
    if queue is None:
        broken.append(UnknownQueue(asked.queue_id[:200], state.queues))
    reservation = Reservation(
        id=new_id,
        name=asked.name,
        queue="" if queue is None else queue.path,
        start_at=now if start is None else start,
        end_at=(now if start is None else start) + 1 if end is None else end,
        tasks=asked.tasks,
        resources=read_task(request, broken),
        executor=asked.executor or executor,
        constraints=constraints,
        created_by=read_user(user if asked.user_id is None else asked.user_id, broken),
        created_at=now,
    )
    broken.extend(broken_rules(reservation))
    broken.extend(contradictions(asked_by(reservation)))
    if not broken and (short := shortage(state, reservation)) is not None:
        broken.append(short)
    return (None, broken) if broken else (reservation, [])


def _instant(
    where: str, value: float | str, now: Instant, broken: list[RequestRejected]
) -> Instant | None:
    try:
        return read_instant(where, value, now)
    except InvalidValue as error:
        broken.append(error)
        return None


def _end(
    asked: ReservationFields, start: Instant | None, now: Instant, broken: list[RequestRejected]
) -> Instant | None:
    duration = asked.duration_seconds
    if (asked.end is None) == (duration is None):
        rule = "is required, or duration_seconds; one of them says how long"
        broken.append(InvalidValue("end", asked.end, rule))
        return None
    if asked.end is not None:
        return _instant("end", asked.end, now, broken)
    if duration is None or not 0 < duration <= LONGEST_SECONDS:
        rule = "must be above 0 and at most a century"
        broken.append(InvalidValue("duration_seconds", duration, rule))
        return None
    return None if start is None else start + max(1, round(duration * SECOND))
