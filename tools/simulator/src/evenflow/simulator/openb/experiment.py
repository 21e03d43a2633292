"""Fills a cluster with pods drawn at random, through the placement of the live engine.

Source: Weng et al., "Beware of Fragmentation" (USENIX ATC 2023), section 6: pods are drawn with
replacement until they ask for so much of the capacity; none leaves; who fits nowhere is skipped.
"""

import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Final

from evenflow.common.domain.decisions.settings import STRATEGIES as LIVE_STRATEGIES
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.policy_engine.core.placement import Rooms
from evenflow.simulator.openb.files import CLUSTER, read_nodes, read_pods
from evenflow.simulator.openb.placing import ByChance, ByStrategy, Placer
from evenflow.simulator.openb.report import Filled, OpenbReport

RANDOM: Final = "random"
STRATEGIES: Final = (RANDOM, *LIVE_STRATEGIES)
MOST_DEMAND: Final = 100.0
Progress = Callable[[float], None]


def run_openb(
    nodes: Path,
    pods: Path,
    *,
    strategy: str,
    demand: float = 1.3,
    seeds: Iterable[int] = range(42, 52),
    progress: Progress | None = None,
) -> OpenbReport:
    """Fill the nodes once for every seed.

    Args:
        nodes: CSV of nodes; those without a GPU take part, too.
        pods: CSV of pods to draw from.
        strategy: one of the engine's, or `random`.
        demand: GPUs asked for, as a ratio of capacity, at which no more pods come.
        seeds: each draws pods of its own, in an order of its own.
        progress: told the finished part, 0..1.
    """
    if strategy not in STRATEGIES:
        raise InvalidValue("strategy", strategy, f"must be one of {', '.join(STRATEGIES)}")
    if not (isfinite(demand) and 0 < demand <= MOST_DEMAND):
        raise InvalidValue("demand", demand, f"must be above 0 and at most {MOST_DEMAND:g}")
    chosen = list(seeds)
    if not chosen:
        raise InvalidValue("seeds", chosen, "must be at least one")
    cluster, bad_nodes = read_nodes(nodes)
    drawn_from, bad_pods = read_pods(pods)
    filled = []
    for index, seed in enumerate(chosen):
        filled.append(fill(cluster, drawn_from, strategy, demand, seed))
        if progress is not None:
            progress((index + 1) / len(chosen))
    capacity = sum(node.capacity.get("gpu", 0) for node in cluster)
    return OpenbReport(
        strategy, demand, len(cluster), capacity, tuple(filled), bad_nodes + bad_pods
    )


def fill(
    nodes: Sequence[Node], pods: Sequence[JobSpec], strategy: str, demand: float, seed: int
) -> Filled:
    """Fill idle nodes with the pods of one seed."""
    rooms = Rooms(SchedulerSettings(strategy="pack" if strategy == RANDOM else strategy))
    for node in nodes:
        rooms.put(node, None)
    placer: Placer = ByStrategy(rooms)
    if strategy == RANDOM:
        placer = ByChance(rooms, CLUSTER, seed)
    rng = random.Random(seed)
    enough = demand * sum(node.capacity.get("gpu", 0) for node in nodes)
    count = skipped = asked = allocated = 0
    began = time.perf_counter()
    with _no_garbage():
        while asked < enough:
            pod = pods[rng.randrange(len(pods))]
            gpu = pod.resources.get("gpu", 0)
            asked += gpu
            count += 1
            if placer.place(pod):
                allocated += gpu
            else:
                skipped += 1
    return Filled(seed, count, skipped, asked, allocated, time.perf_counter() - began)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Collect no garbage meanwhile, as the engine does while it loads: there is none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
