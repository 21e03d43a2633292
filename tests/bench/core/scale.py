"""The core at the scale of design.md §10: filling a cluster, one event on a full one, bursts.

`effort` is read from the engine's state where it has one: an object with the counters
`shapes_tried` and `queues_touched`, which only ever grow. The benches take differences.
"""

import gc
import time
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.cycle import is_empty
from evenflow.policy_engine.core.state.engine_state import EngineState
from tests.bench.core.collector import Pauses, collecting_as_a_service
from tests.bench.core.world import (
    CPU_PODS,
    GPU_MIX,
    GPU_PODS,
    Shape,
    World,
    cpu_nodes,
    gpu_nodes,
    tree,
)

EVENTS: Final = 2000
PENDING: Final = (1_000, 10_000, 100_000)
MILLION: Final = 1_000_000
TOP_UP_EVERY: Final = 20
"""Events until what they started is submitted anew, so that as many wait and for the same."""
LEAVES: Final = (10, 10, 10)
Effort = tuple[int, int]
"""Shapes tried, queues touched."""


@dataclass(slots=True)
class Filled:
    """What one full fill took, in seconds."""

    placed: int
    left: int  # jobs that still wait
    deciding: float  # in run_cycle alone
    whole: float  # with the decisions folded and followed


@dataclass(slots=True)
class Events:
    """Seconds of each event on a full cluster, and what the core looked at for it."""

    pending: int
    seconds: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)  # the cycle after it, which finds nothing
    started: int = 0
    efforts: list[Effort] = field(default_factory=list)  # empty where the core does not count
    collections: int = 0
    longest_pause: float = 0.0
    full_collection: float = 0.0  # none fell among the events, or it is in longest_pause too
    resident_mib: float = 0.0


def big_world(decide_by: SchedulerSettings | None = None) -> World:
    """10,000 nodes of 8 GPUs under 1,000 leaf queues in 3 levels."""
    return World(gpu_nodes(10_000), tree(*LEAVES), decide_by=decide_by)


def waiting_world(
    mix: tuple[Shape, ...] = GPU_MIX,
    pending: int = 100_000,
    decide_by: SchedulerSettings | None = None,
) -> World:
    """The big world, empty, with jobs waiting."""
    world = big_world(decide_by)
    world.submit(pending, mix)
    return world


def fill(world: World) -> Filled:
    """Decide until nothing more fits."""
    with collecting_as_a_service():
        began = time.perf_counter()
        deciding = world.settle()
        whole = time.perf_counter() - began
    return Filled(len(world.live), world.pending, deciding, whole)


def full_world(pending: int, decide_by: SchedulerSettings | None = None) -> World:
    """The big world, full, with so many jobs waiting in vain."""
    world = big_world(decide_by)
    world.saturate(pending, GPU_MIX)
    return world


def heads_world(decide_by: SchedulerSettings | None = None) -> World:
    """The big world as full as 100,000 jobs make it; of those that wait, the first of each queue.

    Jobs that are submitted later wait behind the same heads, so that what differs between two
    measurements on it is how many wait, and nothing else.
    """
    world = full_world(100_000, decide_by)
    world.keep_heads()
    return world


def pods_world(pending: int = 10_000) -> World:
    """4,000 nodes, 100 of them with GPUs, and about 140,000 running pods.

    Pods with GPUs have queues of their own, or the first of them that waits would hold back the
    others of its queue.
    """
    leaves = tree(10, 10)
    world = World([*gpu_nodes(100), *cpu_nodes(3_900)], leaves)
    world.leaves = leaves[:10]
    world.saturate(100, GPU_PODS)
    world.leaves = leaves[10:]
    world.saturate(pending, CPU_PODS)
    return world


def events(world: World, pending: int, mix: tuple[Shape, ...], count: int = EVENTS) -> Events:
    """Measure: a job's end is folded, a cycle runs, its decision is folded.

    Where the collector runs between two events its pause is counted as the next one's.
    """
    world.saturate(pending, mix)
    told = Events(pending)
    started: list[JobSpec] = []
    with collecting_as_a_service() as pauses:
        for number in range(count):
            if number % TOP_UP_EVERY == 0 and started:
                world.submit_again(started)
                started.clear()
                world.saturate(pending, mix)
            started += _event(world, told, pauses)
        told.collections, told.longest_pause = pauses.count, pauses.longest
        began = time.perf_counter()
        gc.collect()
        told.full_collection = time.perf_counter() - began
    told.resident_mib = resident_mib()
    return told


def _event(world: World, told: Events, pauses: Pauses) -> list[JobSpec]:
    ending = world.any_live()
    before = effort_of(world.state)
    waited = pauses.take()
    began = time.perf_counter()
    world.end(ending)
    decision = world.decide()
    if not is_empty(decision):
        world.tell(decision)
    told.seconds.append(time.perf_counter() - began + waited)
    pauses.take()  # what fell into the event has been measured with it
    started = [placement.job_id for placement in decision.placements]
    world.live.extend(started)
    told.started += len(started)
    after = effort_of(world.state)
    if before is not None and after is not None:
        told.efforts.append((after[0] - before[0], after[1] - before[1]))
    began = time.perf_counter()
    decision = world.decide()
    told.quiet.append(time.perf_counter() - began)
    if not is_empty(decision):
        world.follow(decision)
        world.settle()
    return [world.shard.state.jobs[job_id].spec for job_id in started]


def effort_of(state: EngineState) -> Effort | None:
    """Return what the core has looked at so far; None when it does not count."""
    effort = getattr(state, "effort", None)
    return None if effort is None else (effort.shapes_tried, effort.queues_touched)


def cycle_world(max_placements: int = 500) -> World:
    """SCH-17: 10,000 jobs wait in 100 queues; 1,000 nodes are idle."""
    decide_by = SchedulerSettings(max_placements=max_placements)
    world = World(gpu_nodes(1_000), tree(10, 10), decide_by=decide_by)
    world.submit(10_000, GPU_MIX)
    return world


def one_cycle(world: World) -> tuple[float, int]:
    """Seconds of one cycle, and how many jobs it placed."""
    with collecting_as_a_service():
        began = time.perf_counter()
        decision = world.decide()
        return time.perf_counter() - began, len(decision.placements)


def burst(world: World, count: int = 10_000) -> tuple[float, float]:
    """Seconds to fold so many submissions on a full cluster, a cycle after each message; slowest.

    The second figure is the slowest message: its fold, its cycle, the decision's fold.
    """
    facts = world.submissions(count, GPU_MIX)
    slowest = 0.0
    with collecting_as_a_service():
        began = time.perf_counter()
        for fact in facts:
            message = time.perf_counter()
            world.tell(fact)
            decision = world.decide()
            if not is_empty(decision):
                world.follow(decision)
            slowest = max(slowest, time.perf_counter() - message)
        whole = time.perf_counter() - began
    world.settle()
    return whole, slowest


def resident_mib() -> float:
    """Return what this process holds in memory now."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123
        return int(statm.read().split()[1]) * 4096 / 2**20
