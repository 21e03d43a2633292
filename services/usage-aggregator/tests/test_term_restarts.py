"""From one term to the next: state that is taken over, lost or of somebody else; who leads."""

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.ports.snapshots import StateForgotten
from evenflow.usage_aggregator.ledger_store import StateDamaged


@pytest.mark.parametrize("is_wiped", [False, True], ids=["state kept", "redis wiped"])
async def test_after_a_restart_usage_is_the_closed_form_and_the_sequence_grows(world, is_wiped):
    term = await world.start()
    for amount in (5, 7, 1):
        await world.use(amount)
        await term.poll()
    await world.use(3)  # while nobody looks
    if is_wiped:
        world.snapshots.wipe()
    term = await world.start()
    assert term.mark == (None if is_wiped else "3")
    world.clock.at += 5 * SECOND
    await term.poll()
    found = parse_snapshot(world.documents()[-1])
    assert found.queues.hours_of("a/b", "cpu") == pytest.approx(world.closed_form(), rel=1e-8)
    assert [fact.sequence for fact in world.published()] == [1, 2, 3, 4]


async def test_a_state_of_another_log_is_not_gone_on_with(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    other = await world.start("log-2")
    assert other.mark is None
    assert not other.ledger.slots


async def test_who_was_overtaken_is_refused_before_he_changes_anything(world):
    old = await world.start()
    new = await world.start()
    await world.use(5)
    await new.poll()
    kept = world.snapshots.kept
    with pytest.raises(RevisionConflict):
        await old.poll()
    assert world.snapshots.kept == kept
    await world.use(5)  # or there would be nothing to tell
    await new.poll()
    assert [fact.sequence for fact in world.published()] == [1, 2]
    assert world.snapshots.kept.document == world.documents()[-1]


async def test_who_was_overtaken_and_finds_the_store_wiped_is_refused_by_the_log(world):
    old = await world.start()
    world.log.messages.clear()
    new = await world.start()
    await world.use(5)
    await new.poll()
    world.snapshots._writer = old._ledger_store._writer  # as if nobody had claimed it since
    with pytest.raises(RevisionConflict):
        await old.poll()


async def test_a_store_that_is_wiped_between_polls_is_filled_again_from_the_samples(world):
    term = await world.start()
    await world.use(5)
    await term.poll()
    world.snapshots.wipe()
    await world.use(7)
    with pytest.raises(StateForgotten):
        await term.poll()
    await term.begin_anew()  # as `serve` does then
    await term.poll()
    found = parse_snapshot(world.documents()[-1])
    assert found.queues.hours_of("a/b", "cpu") == pytest.approx(world.closed_form(), rel=1e-8)
    assert world.snapshots.kept_pieces["series"]


async def test_a_piece_that_is_gone_is_found_out_when_it_is_wanted(world):
    term = await world.start()
    for amount in (5, 7, 1):
        await world.use(amount)
        await term.poll()
    for name in list(world.snapshots.kept_pieces):
        if name.startswith("rows"):
            del world.snapshots.kept_pieces[name]
    world.clock.at += 10_000 * SECOND - 25 * SECOND  # the window's edge is in the first slot
    with pytest.raises(StateDamaged):
        await term.poll()
    await term.begin_anew()  # as `serve` does then
    await term.poll()
    found = parse_snapshot(world.documents()[-1])
    assert found.queues.hours_of("a/b", "cpu") == pytest.approx(
        world.closed_form(since=0), rel=1e-8
    )
