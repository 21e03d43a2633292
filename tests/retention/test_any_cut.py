"""Any history, cut at any place where it may be cut: who begins behind the cut misses nothing."""

import asyncio
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.retention.plan import Base, Extent, plan_cut
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.state.usage_documents import UsageDocuments
from evenflow.gateway.view import schema
from evenflow.gateway.view.store import Store
from evenflow.policy_engine.core.state.plugins import OURS
from evenflow.simulator.replay.replay_log import replay_log
from tests.golden.pasts import SECOND
from tests.retention.pasts import MeasuredWorld, measured

LOG = "log-1"
Rows = dict[str, list[dict[str, Any]]]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(3, 25))
def test_state_and_decisions_are_the_same_from_a_base_behind_any_cut(seed: int, steps: int) -> None:
    world = measured(seed, steps)
    cut = a_cut(world, random.Random(seed))
    assert cut > 0
    past = world.past_from(cut)
    assert all(sequence > cut for sequence, _, _ in past.lines)
    state = past.state()
    for entry in past.entries:
        apply(state, entry)
    assert checkpoint.dump(state, LOG) == checkpoint.dump(world.state, LOG)
    assert not past.missing_snapshots()
    seen_later = [s for s in world.cycles if world.entries[s - 1].fact.saw_sequence >= cut]
    past.begin = min(seen_later, default=past.end)
    result = replay_log(past, OURS)
    assert not result.differences
    known = UsageDocuments(facts=state.usage_facts)
    for sequence in state.usage_facts:
        assert known.document(sequence) == world.documents[sequence]


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_view_is_the_same_behind_any_cut(seed: int, tmp_path_factory: Any) -> None:
    home = tmp_path_factory.mktemp("views")
    chance = random.Random(seed)
    world = measured(seed, 15)
    cut = a_cut(world, chance)
    reached = chance.randint(cut, world.state.sequence)  # a gateway that was there is behind no cut
    asyncio.run(_compare_views(home, world, cut, reached))


async def _compare_views(home: Path, world: MeasuredWorld, cut: int, reached: int) -> None:
    base = state_at(world.entries, cut)
    data = checkpoint.dump(base, LOG)
    last = world.state.sequence
    whole = await view(home / "whole.db", ShardState(), world.entries, last)
    # A gateway whose view is kept, without a base of its own: it begins with the engine's.
    await view(home / "kept.db", ShardState(), world.entries[:reached], last)
    kept = await view(home / "kept.db", checkpoint.load(data, LOG), world.entries[cut:], last)
    assert kept == whole
    # One whose view is lost: all but what had ended before the base.
    new = await view(home / "new.db", checkpoint.load(data, LOG), world.entries[cut:], last)
    gone = {row["id"] for row in whole["jobs"]} - {row["id"] for row in new["jobs"]}
    assert not gone & base.jobs.keys()
    assert gone <= base.ended.keys()
    for table in ("queues", "quotas", "reservations"):
        assert new[table] == whole[table]
    stay = [row for row in whole["jobs"] if row["id"] not in gone]
    assert [moving(row) for row in new["jobs"]] == [moving(row) for row in stay]


def moving(row: dict[str, Any]) -> dict[str, Any]:
    """A job but for when it was enqueued: a base does not know that, but when it was submitted."""
    return {name: value for name, value in row.items() if name not in ("enqueued_at", "updated_at")}


def a_cut(world: MeasuredWorld, chance: random.Random) -> int:
    """Where a plan cuts, given bases and cursors at random."""
    last = world.state.sequence
    places = sorted(chance.sample(range(1, last + 1), min(last, chance.randint(2, 8))))
    bases = [Base(sequence, sequence * SECOND) for sequence in places]
    cursors = {f"r{n}": chance.randint(places[0], last) for n in range(chance.randint(0, 3))}
    extent = Extent(1, last, size_bytes=last * 100, limit_bytes=chance.choice((0, last * 120)))
    plan = plan_cut(extent, bases, cursors, now=last * SECOND, keep_us=chance.choice((0, 5)))
    assert plan.to in (0, *places[:-1])
    assert all(plan.to <= cursor for cursor in cursors.values())
    assert plan.to == 0 or plan.to in plan.keep
    return plan.to or places[0]


def state_at(entries: Iterable[Entry], sequence: int) -> ShardState:
    state = ShardState()
    for entry in entries:
        if entry.sequence <= sequence:
            apply(state, entry)
    return state


async def view(path: Path, state: ShardState, entries: list[Entry], last: int) -> Rows:
    """Fold entries into a view that begins with a state, and return all its rows."""
    store = Store(
        f"sqlite+aiosqlite:///{path}", base_every_seconds=3600, base_every_facts=1_000_000
    )
    try:
        assert await store.open(LOG, last) is None
        await store.start(state)
        for entry in entries:
            store.note(entry, apply(state, entry))
            await store.write()  # sums and times of change go by batches: here each is one
        found: Rows = {}
        async with store.engine.connect() as connection:
            for table in schema.metadata.sorted_tables:
                if table.name in ("bases", "meta", "alembic_version"):
                    continue
                rows = (await connection.execute(select(table))).mappings().all()
                found[table.name] = sorted(map(dict, rows), key=repr)
        return found
    finally:
        await store.close()
