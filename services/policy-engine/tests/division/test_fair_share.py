"""One level divided: the formula, the guarantees, whole units, and what nothing may change."""

from math import fsum, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.policy_engine.core.division.fair_share import Claim, divide

CLOSE = 1e-9


def claim(name: str, wants: float = 10, **said) -> Claim:
    return Claim(name, said.pop("deserved", 0), wants, **said)


CASES = {
    "weights 1 and 1, usage .6 and .2, k 1: a third and two thirds": (
        1, [claim("a", usage=0.6), claim("b", usage=0.2)], [1 / 3, 2 / 3],
    ),
    "no history: by weight": (8, [claim("a"), claim("b", weight=3)], [2, 6]),
    "deserved first, then by weight": (
        8, [claim("a", deserved=2), claim("b", deserved=2, weight=3)], [3, 5],
    ),
    "deserved survives any history": (
        8, [claim("a", deserved=2, usage=1.0), claim("b", deserved=2)], [2, 6],
    ),
    "what one does not take the others share": (
        9, [claim("a", 1), claim("b"), claim("c")], [1, 4, 4],
    ),
    "weight 0 gets what it deserves": (8, [claim("a", deserved=1, weight=0), claim("b")], [1, 7]),
    "weight 0 leaves the rest over": (8, [claim("a", deserved=1, weight=0)], [1]),
    "all beyond their history: the level ends": (
        8, [claim("a", usage=1.0), claim("b", usage=1.0)], [0, 0],
    ),
    "a band that may take nothing leaves all to the next": (
        8, [claim("a", usage=2.0, priority=1), claim("b")], [0, 8],
    ),
    "guarantees above capacity shrink alike": (
        5, [claim("a", deserved=6), claim("b", deserved=4)], [3, 2],
    ),
    "a shrunk guarantee is no more than is wanted": (
        4, [claim("a", 1, deserved=6), claim("b", 6, deserved=6)], [1, 3],
    ),
    "nothing to divide": (0, [claim("a", deserved=1), claim("b")], [0, 0]),
    "nobody": (5, [], []),
    "the low band gets nothing while the high one wants": (
        3, [claim("h", priority=2), claim("i", priority=2), claim("low")], [1.5, 1.5, 0],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("pot", "claims", "shares"), CASES.values(), ids=CASES)
def test_division(pot: float, claims: list[Claim], shares: list[float]) -> None:
    assert divide(pot, claims) == pytest.approx(shares)


WHOLE = {
    "the older gets the odd unit": (
        3, [claim("h", priority=2, created=5), claim("i", priority=2), claim("low")], [1, 2, 0],
    ),
    "the smaller name, if all else is equal": (3, [claim("b"), claim("a")], [1, 2]),
    "the largest fraction first": (5, [claim("a", weight=2), claim("b", weight=3.2)], [2, 3]),
    "three units among seven": (3, [claim(n) for n in "gfedcba"], [0, 0, 0, 0, 1, 1, 1]),
    "half a unit asked for is half a unit given": (
        3, [claim("a", 0.5), claim("b"), claim("c", created=1)], [0.5, 1, 1],
    ),
    "what is no unit goes to whom it suffices": (
        3, [claim("a", 0.5, priority=1), claim("b", created=1), claim("c", 0.4)], [0.5, 2, 0.4],
    ),
    "a spare unit never exceeds a request": (3, [claim("a", 1.6), claim("b", 9)], [1.6, 1]),
    "a part of a unit up to the request": (3, [claim("a", 1.2, weight=9), claim("b")], [1.2, 1]),
    "deserved is not rounded down": (
        6, [claim("a", deserved=1.5, usage=1), claim("b", usage=0)], [1.5, 4],
    ),
    "weight 0 gets no odd unit": (2.5, [claim("a", weight=0), claim("b")], [0, 2]),
    "shrunk guarantees are whole too, the higher first": (
        3, [claim("a", deserved=2), claim("b", deserved=2, priority=1)], [1, 2],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("pot", "claims", "shares"), WHOLE.values(), ids=WHOLE)
def test_whole_units(pot: float, claims: list[Claim], shares: list[float]) -> None:
    assert divide(pot, claims, unit=1.0) == pytest.approx(shares, abs=CLOSE)


def test_a_low_band_gets_exactly_nothing_while_a_high_one_is_hungry() -> None:
    for pot in (0.1, 0.3, 1 / 3, 2.9999999, 3, 7e15):
        high = [claim(f"h{i}", 1e16, priority=2, weight=0.1 + i / 3) for i in range(7)]
        assert divide(pot, [*high, claim("low")], k=0.7)[-1] == 0.0


amounts = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 8.0]), st.floats(0, 64))
claims_of_a_level = st.lists(
    st.builds(
        Claim,
        name=st.just(""),
        deserved=amounts,
        ceiling=amounts,
        weight=st.sampled_from([0.0, 0.5, 1.0, 1.0, 3.0]),
        usage=st.sampled_from([0.0, 0.0, 0.1, 0.4, 1.0]),
        priority=st.integers(0, 2),
        created=st.integers(0, 1),
    ),
    max_size=7,
).map(lambda found: [each._replace(name=f"q{i}") for i, each in enumerate(found)])
ks = st.sampled_from([0.0, 0.5, 1.0, 7.0])
units = st.sampled_from([0.0, 1.0])


def sure(each: Claim) -> float:
    return min(each.deserved, each.ceiling)


@given(amounts, claims_of_a_level, ks, units)
def test_feasible_finite_and_never_above_a_ceiling(pot, claims, k, unit) -> None:
    shares = divide(pot, claims, k=k, unit=unit)
    assert all(isfinite(share) and share >= 0 for share in shares)
    assert fsum(shares) <= pot * (1 + CLOSE) + CLOSE
    assert all(share <= each.ceiling for each, share in zip(claims, shares, strict=True))


@given(amounts, claims_of_a_level, ks)
def test_nothing_is_left_while_somebody_who_may_take_it_lacks(pot, claims, k) -> None:
    shares = divide(pot, claims, k=k)
    if pot - fsum(shares) <= CLOSE:
        return
    lacking = [c for c, share in zip(claims, shares, strict=True) if share < c.ceiling - CLOSE]
    for priority in {c.priority for c in lacking}:
        band = [c for c in lacking if c.priority == priority and c.weight]
        weights = fsum(c.weight for c in band)
        assert all(c.weight / weights * (1 + k) <= k * c.usage + CLOSE for c in band)


@given(amounts, claims_of_a_level, ks, units)
def test_history_never_touches_what_is_deserved(pot, claims, k, unit) -> None:
    if fsum(sure(each) for each in claims) > pot:
        assert divide(pot, claims, k=k, unit=unit) == divide(
            pot, [each._replace(usage=0.0) for each in claims], k=k, unit=unit
        )
    elif pot:
        shares = divide(pot, claims, k=k, unit=unit)
        assert all(share >= sure(each) for each, share in zip(claims, shares, strict=True))


@given(amounts, claims_of_a_level, ks)
def test_nobody_envies_an_equal(pot, claims, k) -> None:
    """Equal weight, history and band: who gets less of the rest already has all it may take."""
    shares = divide(pot, claims, k=k)
    found = [(c, s, s - sure(c)) for c, s in zip(claims, shares, strict=True)]
    if fsum(sure(c) for c in claims) > pot:
        return
    for one, share, more in found:
        for other, _, others in found:
            alike = (one.weight, one.usage, one.priority) == (
                other.weight, other.usage, other.priority,
            )  # fmt: skip
            assert not alike or more >= others - CLOSE or share >= one.ceiling - CLOSE


@given(amounts, claims_of_a_level, st.data())
def test_more_weight_never_gets_less(pot, claims, data) -> None:
    """Without history: with it, a heavier claim may keep another below its ceiling for a round."""
    if claims:
        i = data.draw(st.integers(0, len(claims) - 1))
        heavier = claims[i]._replace(weight=claims[i].weight * 2 + 0.25)
        after = divide(pot, [*claims[:i], heavier, *claims[i + 1 :]], k=0.0)
        assert after[i] >= divide(pot, claims, k=0.0)[i] - CLOSE


@given(amounts, claims_of_a_level, ks, units, st.randoms(use_true_random=False))
def test_order_changes_nothing_bit_for_bit(pot, claims, k, unit, random) -> None:
    shuffled = random.sample(claims, len(claims))
    before = dict(zip((c.name for c in claims), divide(pot, claims, k=k, unit=unit), strict=True))
    after = divide(pot, shuffled, k=k, unit=unit)
    assert dict(zip((c.name for c in shuffled), after, strict=True)) == before


@given(amounts, claims_of_a_level, ks, units, st.data())
def test_a_ceiling_that_is_not_reached_plays_no_part(pot, claims, k, unit, data) -> None:
    shares = divide(pot, claims, k=k, unit=unit)
    margin = unit * 1.25 + 0.01
    for i, each in enumerate(claims):
        if shares[i] + margin < each.ceiling:
            moved = shares[i] + margin + data.draw(st.floats(0, 1000))
            others = [*claims[:i], each._replace(ceiling=moved), *claims[i + 1 :]]
            assert divide(pot, others, k=k, unit=unit) == shares


@given(amounts, claims_of_a_level, ks)
def test_whole_units_are_whole_unless_deserved_or_asked_for_otherwise(pot, claims, k) -> None:
    for each, share in zip(claims, divide(pot, claims, k=k, unit=1.0), strict=True):
        whole = abs(share - round(share)) < CLOSE
        assert whole or share in {each.ceiling, sure(each)}
