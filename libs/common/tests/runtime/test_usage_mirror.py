"""The engine's mirror of usage: the fact decides, Redis only serves."""

import asyncio

import structlog

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.usage.snapshot import seal
from evenflow.common.ports.snapshots import Kept
from evenflow.common.runtime.usage_mirror import UsageMirror
from evenflow.common.testing.fakes.snapshots import FakeSnapshots

NOTHING = {"names": [], "raw_hours": {}, "normalized": {}}


def an_entry(sequence: int, *, log_sequence: int = 0, generated_at: int = 5) -> Entry:
    document, digest = seal(
        {
            "schema": 1, "sequence": sequence, "generated_at": generated_at, "data_until": 4,
            "half_life_seconds": 1, "capacity": {}, "capacity_unknown": [],
            "queues": NOTHING, "projects": NOTHING, "users": NOTHING,
        }
    )  # fmt: skip
    fact = SnapshotTaken(sequence, generated_at, 4, digest, document)
    return Entry(log_sequence or sequence * 10, "e", 0, "usage-aggregator", fact)


class Counting(FakeSnapshots):
    """A store that counts how often it was asked."""

    asked = 0

    async def document(self) -> str | None:
        self.asked += 1
        return await super().document()


def a_mirror(store: FakeSnapshots) -> UsageMirror:
    return UsageMirror(store, structlog.get_logger())


async def test_a_snapshot_in_redis_with_the_facts_digest_is_used():
    store = Counting()
    entry = an_entry(1)
    store.kept = Kept(1, entry.fact.document, "")
    mirror = a_mirror(store)
    mirror.on_entry(entry)
    mirror.on_entry(Entry(99, "e", 0, "gateway", object()))  # other facts are none of its business
    await mirror.refresh()
    assert mirror.current.snapshot.digest == entry.fact.digest
    assert mirror.current.fact_sequence == 10
    assert store.asked == 1


async def test_another_digest_in_redis_or_no_redis_gives_the_facts_own_document():
    for store in (FakeSnapshots(), Counting()):
        foreign = an_entry(1, generated_at=77).fact
        store.kept = Kept(1, foreign.document, "")
        store.is_away = not isinstance(store, Counting)
        mirror = a_mirror(store)
        mirror.on_entry(an_entry(1))
        await mirror.refresh()
        assert mirror.current.snapshot.generated_at == 5


async def test_an_older_snapshot_and_an_unreadable_one_change_nothing():
    mirror = a_mirror(FakeSnapshots())
    mirror.on_entry(an_entry(2))
    await mirror.refresh()
    held = mirror.current
    mirror.on_entry(an_entry(1, log_sequence=50))
    await mirror.refresh()
    assert mirror.current is held
    broken = SnapshotTaken(3, 5, 4, "x", "{}")
    mirror.on_entry(Entry(60, "e", 0, "usage-aggregator", broken))
    await mirror.refresh()
    assert mirror.current is held


async def test_a_store_that_never_answers_is_not_waited_for():
    class Hanging(FakeSnapshots):
        async def document(self) -> str | None:
            await asyncio.Event().wait()
            return None

    mirror = a_mirror(Hanging())
    mirror.on_entry(an_entry(1))
    running = asyncio.create_task(mirror.run())
    async with asyncio.timeout(5):
        while mirror.current is None:
            await asyncio.sleep(0.01)
    running.cancel()
