"""`kai` mode against the numbers that KAI-Scheduler's own division tests expect, and beyond."""

from typing import NamedTuple

import pytest

from evenflow.policy_engine.core.division.kai import UNLIMITED, KaiClaim, divide_kai


class Q(NamedTuple):
    """A queue of a case: what it has, and what it must get."""

    deserved: float
    weight: float
    request: float
    gets: float
    limit: float = UNLIMITED
    priority: int = 0
    usage: float = 0.0
    created: int = 0


def divided(pot: float, queues: list[Q], k: float) -> tuple[list[float], float]:
    claims = [
        KaiClaim(
            f"queue-{number}", q.deserved, q.limit, q.request,
            weight=q.weight, usage=q.usage, priority=q.priority, created=q.created,
        )
        for number, q in enumerate(queues, 1)
    ]  # fmt: skip
    return divide_kai(pot, claims, k)


PUBLISHED = {
    # one queue, nothing above what it deserves
    "all it asks for": (2, [Q(3, 0, 2, 2)], 0),
    "asks for less than there is": (3, [Q(3, 0, 2, 2)], 1),
    "its limit is what it asks for": (3, [Q(3, 0, 2, 2, limit=2)], 1),
    "deserves more than there is": (1, [Q(3, 0, 2, 2)], 0),
    "no more than deserved at weight 0": (7, [Q(3, 0, 5, 3)], 4),
    "deserves a fraction": (2, [Q(1.5, 0, 2, 1.5)], 0.5),
    "asks for a fraction": (2, [Q(3, 0, 1.5, 1.5)], 0.5),
    "deserves nothing at weight 0": (2, [Q(0, 0, 2, 0)], 2),
    # one queue above what it deserves; the pot counts its 3 deserved
    "sated exactly": (5, [Q(3, 1, 5, 5)], 0),
    "sated with a rest": (6, [Q(3, 1, 5, 5)], 1),
    "stopped by its limit": (5, [Q(3, 1, 5, 4, limit=4)], 1),
    "weight 0 takes none of the rest": (5, [Q(3, 0, 5, 3)], 2),
    "a fraction asked for above": (5, [Q(3, 1, 4.5, 4.5)], 0.5),
    "half a unit is left and given": (3.5, [Q(3, 1, 5, 3.5)], 0),
    "deserves nothing, takes all it wants": (6, [Q(0, 1, 5, 5)], 1),
    "nothing above deserved to divide": (3, [Q(3, 1, 5, 3)], 0),
    "one has weight 0, one is sated": (16, [Q(3, 0, 5, 3), Q(3, 1, 3, 3)], 10),
    # two queues
    "more than both want": (15, [Q(2, 2, 6, 6), Q(2, 2, 6, 6)], 3),
    "exactly what both want": (12, [Q(2, 2, 6, 6), Q(2, 2, 6, 6)], 0),
    "in proportion": (8, [Q(2, 1, 6, 3), Q(2, 3, 6, 5)], 0),
    "a limit": (12, [Q(2, 2, 6, 5, limit=5), Q(2, 2, 6, 6)], 1),
    "the larger fraction gets the unit": (11, [Q(2, 1, 10, 3), Q(2, 4, 10, 8)], 0),
    "the older gets the unit": (11, [Q(2, 2, 6, 6), Q(2, 2, 6, 5, created=1)], 0),
    "priority leaves deserved alone": (
        4, [Q(2, 2, 6, 2, priority=1), Q(2, 2, 6, 2, priority=2)], 0,
    ),
    "priority counts above it": (6, [Q(2, 2, 6, 2, priority=1), Q(2, 2, 6, 4, priority=2)], 0),
    "priority beats weight": (6, [Q(2, 100, 6, 2, priority=1), Q(2, 1, 6, 4, priority=2)], 0),
    "the last unit goes to the high band": (
        5,
        [Q(2, 2, 5, 3, priority=2), Q(2, 2, 5, 2, priority=2, created=1), Q(1, 2, 0, 0)],
        0,
    ),
    "the last unit, equal but for the name": (5, [Q(2, 2, 3, 3), Q(2, 2, 3, 2)], 0),
    "even": (10, [Q(1, 1, 8, 5), Q(1, 1, 8, 5)], 0),
    "weights 1 and 2": (1000, [Q(250, 1, 5000, 450), Q(150, 2, 5000, 550)], 0),
    "weights 1 and 2, one limited": (
        1000, [Q(250, 1, 5000, 600), Q(150, 2, 5000, 400, limit=400)], 0,
    ),
    # amounts as of cores and bytes
    "thousands, one queue": (3000, [Q(3000, 3000, 2000, 2000)], 1000),
    "thousands, too few": (1000, [Q(3000, 3000, 2000, 2000)], 0),
    "one deserves nothing at weight 0": (10000, [Q(5000, 5000, 10000, 10000), Q(0, 0, 5000, 0)], 0),
    "all deserve more than there is": (10000, [Q(5000, 5000, 5000, 5000)] * 3, 0),
    "all above deserved and sated": (18000, [Q(5000, 5000, 6000, 6000)] * 3, 0),
    "two want less": (
        10000, [Q(5000, 5000, 7000, 6000), Q(5000, 5000, 2000, 2000), Q(5000, 5000, 2000, 2000)], 0,
    ),
    "one wants less": (
        10000, [Q(5000, 5000, 7000, 5000), Q(5000, 5000, 5000, 5000), Q(5000, 5000, 2000, 2000)], 0,
    ),
    "two want less, a limit out of reach": (
        10000,
        [Q(5000, 5000, 7000, 6000, limit=7000), *[Q(5000, 5000, 2000, 2000)] * 2],
        0,
    ),
    "nothing is left for one that deserves nothing": (
        10000, [Q(5000, 5000, 5000, 5000), Q(0, 5000, 5000, 0), Q(5000, 5000, 5000, 5000)], 0,
    ),
    "the same, all wanting more": (
        10000, [Q(5000, 5000, 10000, 5000), Q(0, 5000, 5000, 0), Q(5000, 5000, 10000, 5000)], 0,
    ),
    "one sated above deserved": (2500, [Q(200, 1, 500, 500)], 2000),
    "deserves more than exists and wants": (1000, [Q(20000, 1, 2500, 2500)], 0),
    "all there is, above deserved": (3000, [Q(1000, 1, 5000, 3000)], 0),
    "two deserve more than there is": (3000, [Q(2000, 1, 3000, 2000)] * 2, 0),
    "three, even": (9999, [Q(1000, 1, 10000, 3333)] * 3, 0),
    "weights 6, 2, 1": (
        9999, [Q(0, 6, 10000, 6666), Q(0, 2, 10000, 2222), Q(0, 1, 10000, 1111)], 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("pot", "queues", "left"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_cases_come_out_exactly(pot: float, queues: list[Q], left: float) -> None:
    assert divided(pot, queues, 0.0) == ([q.gets for q in queues], left)


def test_fractions_that_are_asked_for_are_given_to_the_last_bit() -> None:
    queues = [
        Q(12, 12, 32.54999999999996, 32.54999999999996),
        Q(7, 7, 9.5, 9.5),
        Q(2, 2, 1.65, 1.65, limit=2),
    ]
    shares, _ = divided(45, queues, 0.0)
    assert shares == [q.gets for q in queues]


BEYOND = {
    # 8 above deserved; parts .5 + (.5 - .6) = .4 and .5 + (.5 - .2) = .8: slices 8/3 and 16/3
    "history bends the slices": (1, 8, [Q(0, 1, 9, 3, usage=0.6), Q(0, 1, 9, 5, usage=0.2)], 0),
    "no history, k alone changes nothing": (5, 8, [Q(0, 1, 9, 2), Q(0, 3, 9, 6)], 0),
    "history beyond the weight leaves nothing": (
        9, 6, [Q(1, 1, 9, 1, usage=1.0), Q(1, 1, 9, 5)], 0,
    ),
    "all beyond: the level ends": (
        9, 6, [Q(1, 1, 9, 1, usage=1.0), Q(1, 1, 9, 1, usage=1.0)], 4,
    ),
    "unlimited deserved takes all it wants first": (
        0, 8, [Q(UNLIMITED, 1, 6, 6), Q(0, 5, 9, 2)], 0,
    ),
    "two unlimited promise more than there is": (
        0, 8, [Q(UNLIMITED, 1, 20, 8), Q(UNLIMITED, 1, 20, 8)], 0,
    ),
    "unlimited deserved stops at the limit": (0, 8, [Q(UNLIMITED, 1, 20, 3, limit=3)], 5),
    "a request of 0 gets nothing": (0, 8, [Q(4, 1, 0, 0), Q(0, 1, 3, 3)], 5),
    "nothing to divide": (1, 0, [Q(0, 1, 3, 0, usage=0.5)], 0),
    # 1.5 each floor to 1; the low band has its round before the last unit goes out
    "a fraction of the high band ends below": (
        0, 3, [Q(0, 1, 10, 1, priority=2), Q(0, 1, 10, 1, priority=2), Q(0, 1, 10, 1)], 0,
    ),
    # slices 2.5, 3.75 and 3.75: one is sated exactly, 1.5 is left for two with equal fractions
    "the rest of a unit is given as it is": (
        0, 10, [Q(0, 2, 2.5, 2.5), Q(0, 3, 10, 4), Q(0, 3, 10, 3.5)], 0,
    ),
    # slices 2.5, 2.5 and 5 give 1, 2 and 5; of the 2 left, 2/3 and 4/3 give 0 and 1, then a unit
    "rounds go on while somebody is sated early": (
        0, 10, [Q(0, 1, 1, 1), Q(0, 1, 10, 3), Q(0, 2, 10, 6)], 0,
    ),
    # slices 1.5 and 1.5: the older one's last unit takes it to 2, above what it asks for
    "the last unit may exceed a request": (0, 3, [Q(0, 1, 1.6, 2), Q(0, 1, 9, 1)], 0),
}  # fmt: skip


@pytest.mark.parametrize(("k", "pot", "queues", "left"), BEYOND.values(), ids=BEYOND)
def test_cases_beyond_the_published_ones(
    k: float, pot: float, queues: list[Q], left: float
) -> None:
    assert divided(pot, queues, k) == ([q.gets for q in queues], left)


def test_the_order_of_the_input_changes_nothing() -> None:
    claims = [
        KaiClaim(f"q{i}", 0.1 * i, UNLIMITED, 1.7 * i, weight=0.3 + i / 7, usage=0.02 * i)
        for i in range(9)
    ]
    shares, left = divide_kai(17.3, claims, 1.5)
    backwards, left_again = divide_kai(17.3, claims[::-1], 1.5)
    assert (backwards[::-1], left_again) == (shares, left)
