"""Placement alone: what it costs to find room on 10,000 nodes of 8 GPUs."""

import gc
import time
from itertools import cycle
from statistics import median

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.constraints import Constraints
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.testing.builders import GIB, a_node, a_spec
from evenflow.policy_engine.core.placement import Rooms

NODES = 10_000
GPUS = 8
Placed = tuple[JobSpec, tuple[TaskPlacement, ...]]


def rooms_of(nodes: int = NODES, strategy: str = "pack") -> Rooms:
    """An idle cluster of nodes with 8 GPUs, 64 cores and 512 GiB."""
    rooms = Rooms(SchedulerSettings(strategy=strategy))
    for i in range(nodes):
        rooms.put(a_node(f"n{i:05d}", gpu=GPUS * 1000), None)
    return rooms


def single_gpu_specs(shapes: int = 10) -> list[JobSpec]:
    """Jobs of one GPU that differ in CPU and memory; a node holds 8 of any."""
    return [
        a_spec(i, resources={"cpu": 1000 + 700 * i, "memory": (4 + i) * GIB, "gpu": 1000})
        for i in range(shapes)
    ]


def mixed_specs() -> list[JobSpec]:
    """Jobs of 1, 2, 4 and 8 GPUs, two or three shapes each."""
    return [
        a_spec(
            10 * gpus + i,
            resources={
                "cpu": (1000 + 500 * i) * gpus,
                "memory": 8 * gpus * GIB,
                "gpu": 1000 * gpus,
            },
        )
        for gpus, shapes in ((1, 4), (2, 3), (4, 2), (8, 1))
        for i in range(shapes)
    ]


def fill(rooms: Rooms, specs: list[JobSpec]) -> tuple[list[Placed], float]:
    """Place the specs in turn until none fits; return what was placed, and microseconds each."""
    placed: list[Placed] = []
    open_specs = {spec.id: spec for spec in specs}
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    for spec in cycle(specs):
        if spec.id in open_specs:
            placement = rooms.place(rooms.shape_of(spec))
            if placement is not None:
                placed.append((spec, placement))
                continue
            del open_specs[spec.id]
        if not open_specs:
            break
    taken = time.perf_counter() - began
    gc.unfreeze()
    return placed, taken / len(placed) * 1e6


def full_fill(strategy: str = "pack", *, is_mixed: bool = False) -> dict[str, float]:
    """Fill the cluster from empty: `place_us` includes finding the shape."""
    specs = mixed_specs() if is_mixed else single_gpu_specs()
    rooms = rooms_of(strategy=strategy)
    for spec in specs:
        rooms.count(rooms.shape_of(spec), 1000)
    placed, place_us = fill(rooms, specs)
    return {"placed": len(placed), "place_us": place_us}


def event_when_full(
    blocked: int = 50, events: int = 5000, strategy: str = "pack"
) -> dict[str, float]:
    """One job ends on the full cluster; of 10 shapes that wake one takes its place, 9 find none."""
    rooms = rooms_of(strategy=strategy)
    placed, _ = fill(rooms, single_gpu_specs())
    for i in range(blocked):
        rooms.place(rooms.shape_of(a_spec(i, resources={"cpu": 9000 + i, "gpu": 4000})))
    rooms.woken()
    wanted = {rooms.shape_of(spec) for spec in single_gpu_specs()}
    times: list[float] = []
    step = max(1, len(placed) // events)
    for spec, placement in placed[::step][:events]:
        began = time.perf_counter()
        rooms.release(spec, placement)
        for shape in rooms.woken():
            if shape in wanted:
                while rooms.place(shape) is not None:
                    pass
        times.append(time.perf_counter() - began)
    times.sort()
    return {"event_us": median(times) * 1e6, "p99_us": times[len(times) * 99 // 100] * 1e6}


def gangs(level: str | None = None, gpus: int = 8, count: int = 500) -> dict[str, float]:
    """Gangs of 8 tasks anywhere, in one of 250 racks, or on one node."""
    rooms = Rooms(SchedulerSettings())
    for i in range(NODES):
        rooms.put(a_node(f"n{i:05d}", gpu=8000, labels={"rack": f"r{i // 40}"}), None)
    spec = a_spec(
        resources={"cpu": 8 * gpus, "gpu": 1000 * gpus},
        tasks=8,
        constraints=Constraints(required_level=level),
    )
    shape = rooms.shape_of(spec)
    rooms.place(shape)
    began = time.perf_counter()
    for _ in range(count):
        rooms.place(shape)
    return {"gang_us": (time.perf_counter() - began) / count * 1e6}


def many_shapes(shapes: int = 1000) -> dict[str, float]:
    """The first search for each of many shapes, and one in the same round later."""
    rooms = rooms_of()
    specs = [a_spec(i, resources={"cpu": 1000 + i, "gpu": 1000}) for i in range(shapes)]
    rounds = []
    for _ in range(4):
        began = time.perf_counter()
        for spec in specs:
            rooms.place(rooms.shape_of(spec))
        rounds.append((time.perf_counter() - began) / shapes * 1e6)
    return {"first_us": rounds[0], "later_us": rounds[-1]}


def table() -> list[tuple[str, dict[str, float]]]:
    """Every measurement with its name."""
    return [
        ("full fill, 10 shapes of 1 GPU", full_fill()),
        ("full fill, mixed 1, 2, 4, 8", full_fill(is_mixed=True)),
        ("full fill, spread", full_fill("spread")),
        ("full fill, mixed, least-fragmentation", full_fill("least-fragmentation", is_mixed=True)),
        ("event when full, 50 shapes blocked", event_when_full()),
        ("gangs of 8 x 8 anywhere", gangs()),
        ("gangs of 8 x 8 in a rack", gangs("rack")),
        ("gangs of 8 x 1 on a node", gangs("node", gpus=1)),
        ("1,000 shapes", many_shapes()),
    ]


if __name__ == "__main__":
    for name, figures in table():
        print(f"{name:40}", "  ".join(f"{key} {value:,.1f}" for key, value in figures.items()))
