"""What the fold makes of room that is kept in advance."""

import pytest

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.facts import queues, reservations
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.constraints import AntiAffinity, Constraints, Toleration
from evenflow.common.domain.reservations import reservation as rules
from evenflow.common.testing.builders import HOUR, T0, a_reservation
from evenflow.common.testing.shard import Shard


@pytest.fixture
def shard() -> Shard:
    return Shard().with_queues("vision/train")


def reserve(shard: Shard, *wanted: rules.Reservation, at: int = T0) -> Folded:
    folded = shard.tell(reservations.Defined(wanted), at=at)
    assert isinstance(folded, Folded)
    return folded


def cancel(shard: Shard, key: str, at: int = T0) -> Folded:
    fact = reservations.Cancelled((reservations.Cancellation(key, "eve"),))
    folded = shard.tell(fact, at=at)
    assert isinstance(folded, Folded)
    return folded


def test_a_reservation_stands_until_it_is_cancelled(shard):
    kept = a_reservation()
    assert reserve(shard, kept).reservations == {kept.id: kept}
    assert shard.state.reservations == {kept.id: kept}
    assert cancel(shard, kept.id).reservations == {kept.id: kept}
    assert shard.state.reservations == {}
    assert [v.reason for v in cancel(shard, kept.id).voids] == [
        "no such reservation, or it has ended"
    ]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        pytest.param({"queue": "nobody"}, "no queue", id="for nobody"),
        pytest.param({"start_at": T0 - 1}, "past", id="in the past"),
        pytest.param({"end_at": T0 + HOUR}, "after its start", id="no window"),
        pytest.param({"tasks": 0}, "tasks", id="no tasks"),
        pytest.param({"resources": {}}, "ask for something", id="nothing"),
        pytest.param({"resources": {"gpu": -1}}, "resources.gpu", id="less than nothing"),
        pytest.param({"name": ""}, "name", id="no name"),
        pytest.param({"constraints": Constraints(strategy="pack")}, "for jobs", id="a strategy"),
        pytest.param({"constraints": Constraints(clusters=("c",))}, "for jobs", id="clusters"),
        pytest.param(
            {"constraints": Constraints(anti_affinity=AntiAffinity(key="k"))}, "for jobs", id="key"
        ),
        pytest.param(
            {"constraints": Constraints(anti_affinity=AntiAffinity("rack"))}, "node", id="level"
        ),
    ],
)
def test_what_cannot_be_kept_is_void_and_says_why(shard, fields, word):
    folded = reserve(shard, a_reservation(**fields))
    (void,) = folded.voids
    assert word in void.reason
    assert shard.state.reservations == {}


def test_a_reservation_told_late_is_void(shard):
    folded = reserve(shard, a_reservation(), at=T0 + 2 * HOUR)
    assert [void.reason for void in folded.voids] == ["it would be over already"]


def test_told_twice_the_first_stands(shard):
    reserve(shard, a_reservation())
    again = reserve(shard, a_reservation(tasks=9))
    assert again.voids
    assert shard.state.reservations["id-kept"].tasks == 1


def test_those_that_ended_leave_the_state_and_there_is_room_for_so_many(shard):
    many = [a_reservation(f"r{i}") for i in range(rules.MAX_RESERVATIONS)]
    reserve(shard, *many)
    full = reserve(shard, a_reservation("one more"))
    assert "1000 reservations already" in full.voids[0].reason
    later = a_reservation("later", start_at=T0 + 3 * HOUR, end_at=T0 + 4 * HOUR)
    reserve(shard, later, at=T0 + 2 * HOUR)
    assert list(shard.state.reservations) == ["id-later"]


def test_a_queue_that_room_is_kept_for_stays_until_that_is_over(shard):
    reserve(shard, a_reservation(queue="vision/train"))
    gone = queues.Deleted(("vision/train",))
    assert "keeps room" in shard.tell(gone, at=T0).voids[0].reason
    assert shard.tell(gone, at=T0 + 2 * HOUR).voids == []


def test_a_checkpoint_keeps_reservations_with_their_constraints(shard):
    constraints = Constraints(
        selector={"rack": ("r1",)}, tolerations=(Toleration("spot"),), anti_affinity=AntiAffinity()
    )
    reserve(shard, a_reservation("a"), a_reservation("b", constraints=constraints, tasks=3))
    again = checkpoint.load(checkpoint.dump(shard.state, "log"), "log")
    assert again.reservations == shard.state.reservations
    assert list(again.reservations) == list(shard.state.reservations)


def test_it_is_for_a_queue_and_all_below_it_and_nobody_else():
    kept = a_reservation(queue="vision")
    assert kept.is_for("vision")
    assert kept.is_for("vision/train")
    assert not kept.is_for("visionary")
