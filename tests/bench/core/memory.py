"""What a waiting job takes in memory: in the folded state, and with the engine's indexes."""

import gc
from functools import partial
from multiprocessing import get_context

from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.facts import jobs
from evenflow.common.domain.fold.folded import Folded
from tests.bench.core.scale import LEAVES, resident_mib
from tests.bench.core.world import GPU_MIX, World, gpu_nodes, tree


def bytes_a_job(count: int, *, is_indexed: bool) -> float:
    """Return how much a process grows by a pending job; a process of its own, where all is new."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(partial(_growth, count, is_indexed=is_indexed))


def _growth(count: int, *, is_indexed: bool) -> float:
    """Read jobs from messages, as services do.

    There is hardly room for any, so nearly all wait; no cycle runs.
    """
    world = World(gpu_nodes(10), tree(*LEAVES))
    envelope = codec.Envelope(event_id="e", occurred_at=world.now, shard="main", actor="bench")
    subject = subject_of(jobs.Submitted, "main")
    messages = [codec.encode(envelope, fact) for fact in world.submissions(count, GPU_MIX)]
    gc.collect()
    before = resident_mib()
    for message in messages:
        outcome = world.shard.tell(codec.decode(subject, message).fact, at=world.now)
        if not isinstance(outcome, Folded) or outcome.voids:
            raise RuntimeError(f"void in a bench: {outcome}")
        if is_indexed:
            world.state.note(outcome)
    gc.collect()
    return (resident_mib() - before) * 2**20 / count
