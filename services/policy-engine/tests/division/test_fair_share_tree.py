"""Trees of queues divided: what a parent gets is what its children share, in both modes."""

import random
from collections.abc import Iterator
from dataclasses import replace
from math import fsum, isfinite

import pytest

from evenflow.policy_engine.core.division.kai import UNLIMITED
from evenflow.policy_engine.core.division.tree import Division, Mode, TreeQueue, Wish, divide_tree

CLOSE = 1e-7
TREES = 10_000


def queue(name: str, parent: str | None = None, *, priority: int = 0, **said) -> TreeQueue:
    return TreeQueue(name, parent, priority=priority, wishes={"gpu": Wish(**said)})


def gpus(queues: list[TreeQueue], total: float = 8, **how) -> dict[str, float]:
    return {
        name: by_resource["gpu"]
        for name, by_resource in divide_tree({"gpu": total}, queues, **how).shares.items()
    }


def test_children_share_what_their_parent_gets() -> None:
    queues = [
        queue("a", weight=3), queue("b", request=9),
        queue("a1", "a", request=9), queue("a2", "a", request=9, weight=2),
    ]  # fmt: skip
    assert gpus(queues) == pytest.approx({"a": 6, "b": 2, "a1": 2, "a2": 4})


def test_usage_of_a_child_counts_against_its_parents_part() -> None:
    """Half of the cluster is a's: a1's .2 of the cluster is .4 of that, a2's .1 is .2."""
    queues = [
        queue("a", usage=0.3), queue("b", request=9, usage=0.3),
        queue("a1", "a", request=9, usage=0.2), queue("a2", "a", request=9, usage=0.1),
    ]  # fmt: skip
    shares = gpus(queues, k=1.0)
    assert shares == pytest.approx({"a": 4, "b": 4, "a1": 4 * 0.6 / 1.4, "a2": 4 * 0.8 / 1.4})


def test_usage_of_a_child_is_taken_as_it_is_in_kai_mode() -> None:
    """Parts .5 + .3 and .5 + .4 of 4: slices 1.78 and 2.22, the unit to the larger fraction."""
    queues = [
        queue("a", usage=0.3), queue("b", request=9, usage=0.3),
        queue("a1", "a", request=9, usage=0.2), queue("a2", "a", request=9, usage=0.1),
    ]  # fmt: skip
    shares = gpus(queues, k=1.0, mode=Mode.KAI)
    assert shares == {"a": 4, "b": 4, "a1": 2, "a2": 2}


def test_a_parent_without_a_share_gives_its_children_nothing() -> None:
    queues = [
        queue("high", request=9, priority=1),
        queue("low"),
        queue("l1", "low", request=5, usage=0.4, deserved=UNLIMITED),
    ]
    for mode in Mode:
        assert gpus(queues, mode=mode) == {"high": 8, "low": 0, "l1": 0}


def test_unlimited_deserved_of_a_child_is_all_its_parent_gets() -> None:
    queues = [
        queue("a", request=5), queue("b", request=3),
        queue("a1", "a", request=4, deserved=UNLIMITED), queue("a2", "a", request=4),
    ]  # fmt: skip
    for mode in Mode:
        assert gpus(queues, mode=mode) == {"a": 5, "b": 3, "a1": 4, "a2": 1}


def test_a_parent_that_says_nothing_wants_what_its_children_can_use() -> None:
    """Kai asks for the whole request of a limited child, and the parent's surplus lies idle."""
    queues = [
        queue("a", weight=3), queue("a1", "a", request=9, limit=2), queue("b", request=9),
    ]  # fmt: skip
    assert gpus(queues) == {"a": 2, "a1": 2, "b": 6}
    assert gpus(queues, mode=Mode.KAI) == {"a": 6, "a1": 2, "b": 2}


def test_what_is_left_at_the_top_is_what_remains() -> None:
    queues = [queue("a", request=2.5), queue("b", request=1)]
    for mode in Mode:
        assert divide_tree({"gpu": 8, "tpu": 3}, queues, mode=mode).remaining == {
            "gpu": 4.5,
            "tpu": 3,
        }
    assert divide_tree({"gpu": 8}, []).remaining == {"gpu": 8}


@pytest.mark.parametrize("unit", [0.0, 1.0])
def test_three_gpus_never_reach_the_low_queue_past_two_hungry_high_ones(unit: float) -> None:
    queues = [
        queue("low", request=10),
        queue("high-1", request=10, priority=2),
        queue("high-2", request=10, priority=2),
    ]
    shares = gpus(queues, 3, unit=unit)
    assert shares["low"] == 0
    assert shares["high-1"] + shares["high-2"] == 3


def test_a_deep_tree_is_no_deeper_than_memory() -> None:
    chain = [queue("q0")] + [queue(f"q{i}", f"q{i - 1}") for i in range(1, 5000)]
    chain.append(queue("leaf", "q4999", request=3))
    assert set(gpus(chain).values()) == {3}


def test_random_trees_keep_every_promise() -> None:
    """10,000 trees, seeded: see `check_level` for the promises."""
    draw = random.Random(20_25)
    for _ in range(TREES):
        queues = random_tree(draw)
        total = draw.choice([0.0, 1.0, 3.0, 7.5, 16.0, 64.0])
        k, unit = draw.choice([0.0, 0.5, 1.0, 3.0]), draw.choice([0.0, 0.0, 1.0])
        found = divide_tree({"gpu": total}, queues, k=k, unit=unit)
        shuffled = draw.sample(queues, len(queues))
        assert divide_tree({"gpu": total}, shuffled, k=k, unit=unit) == found
        for pot, siblings in levels(queues, found, total):
            check_level(pot, siblings, found, is_real=not unit, k=k)


def random_tree(draw: random.Random) -> list[TreeQueue]:
    queues: list[TreeQueue] = []
    for i in range(draw.randint(1, 9)):
        parent = draw.choice(queues).name if queues and draw.random() < 0.6 else None
        wish = Wish(
            deserved=draw.choice([0.0, 0.0, 1.0, 2.0, draw.uniform(0, 9), UNLIMITED]),
            limit=draw.choice([UNLIMITED, UNLIMITED, 2.0, draw.uniform(0, 20)]),
            request=draw.choice([0.0, 0.5, 4.0, 10.0, draw.uniform(0, 40)]),
            weight=draw.choice([0.0, 0.5, 1.0, 1.0, draw.uniform(0.1, 4)]),
            usage=draw.choice([0.0, 0.0, 0.1, draw.random()]),
        )
        made = TreeQueue(
            f"q{i}", parent, draw.choice([0, 0, 1]), draw.choice([0, 1]), {"gpu": wish}
        )
        queues.append(made)
    parents = {each.parent for each in queues}
    return [
        replace(each, wishes={"gpu": replace(each.wishes["gpu"], request=None)})
        if each.name in parents and draw.random() < 0.7
        else each
        for each in queues
    ]


def levels(
    queues: list[TreeQueue], found: Division, total: float
) -> Iterator[tuple[float, list[TreeQueue]]]:
    for parent in dict.fromkeys(each.parent for each in queues):
        pot = total if parent is None else found.shares[parent]["gpu"]
        siblings = [wanting(each, queues) for each in queues if each.parent == parent]
        yield pot, siblings


def wanting(each: TreeQueue, queues: list[TreeQueue]) -> TreeQueue:
    """The queue with its request worked out, by the definition."""
    wish = each.wishes["gpu"]
    if wish.request is not None:
        return each
    below = [wanting(child, queues) for child in queues if child.parent == each.name]
    asked = fsum(ceiling(child) for child in below)
    return replace(each, wishes={"gpu": replace(wish, request=asked)})


def ceiling(each: TreeQueue) -> float:
    wish = each.wishes["gpu"]
    assert wish.request is not None
    return wish.request if wish.limit == UNLIMITED else min(wish.limit, wish.request)


def check_level(
    pot: float, siblings: list[TreeQueue], found: Division, *, is_real: bool, k: float
) -> None:
    shares = {each.name: found.shares[each.name]["gpu"] for each in siblings}
    sure = {
        each.name: min(pot if (d := each.wishes["gpu"].deserved) == UNLIMITED else d, ceiling(each))
        for each in siblings
    }
    assert all(isfinite(share) and share >= 0 for share in shares.values())
    assert all(shares[each.name] <= ceiling(each) + CLOSE for each in siblings)
    assert fsum(shares.values()) <= pot + CLOSE
    if fsum(sure.values()) > pot:
        assert not is_real or fsum(shares.values()) == pytest.approx(pot)
        return
    assert all(shares[name] >= sure[name] - CLOSE for name in sure)
    if not is_real:
        return
    hungry = [q for q in siblings if shares[q.name] < ceiling(q) - CLOSE and q.wishes["gpu"].weight]
    if k == 0.0 and hungry:
        assert fsum(shares.values()) == pytest.approx(pot)
    for one in hungry:
        for other in siblings:
            a, b = one.wishes["gpu"], other.wishes["gpu"]
            if (one.priority, a.weight, a.usage) == (other.priority, b.weight, b.usage):
                more = shares[one.name] - sure[one.name]
                assert more >= shares[other.name] - sure[other.name] - CLOSE
            if k == 0.0 and other.priority < one.priority:
                assert shares[other.name] <= sure[other.name] + CLOSE
