"""Fair Tree: examples worked out by hand, and what holds for every tree."""

from dataclasses import replace
from fractions import Fraction
from math import inf

from hypothesis import assume, given
from hypothesis import strategies as st

from evenflow.policy_engine.core.ordering.fair_tree import (
    Account,
    Member,
    level_fair_share,
    level_key,
    rank_users,
)


def ranks(*children: Account | Member) -> dict[str, int]:
    return {user.name: user.rank for user in rank_users(children)}


def test_level_fair_share_is_normalised_shares_over_normalised_usage():
    assert level_fair_share(3, 20, 4, 80) == Fraction(3, 4) / Fraction(1, 4)
    assert level_fair_share(3, 0, 4, 80) is None, "infinite"
    assert level_fair_share(0, 5, 4, 80) == 0
    assert level_fair_share(0, 0, 4, 80) == 0


def test_a_tree_with_users_at_several_levels_is_ranked_level_by_level():
    # root: physics 2 of 4 shares, 60 of 100 used: 0.83; biology 1/4, 10/100: 2.5; dora 1/4, 30/100:
    # 0.83 as well, so she ties with physics and takes the place of its best user.
    physics = Account(
        "physics",
        2,
        60,
        (
            Member("ann", 1, 10),  # 1/3 over 10/60: 2
            Account("lasers", 1, 40, (Member("bob", 1, 39), Member("cyd", 3, 1))),  # 0.5
            Member("eve", 1, 10),  # 2, a tie with ann
        ),
    )
    biology = Account("biology", 1, 10, (Member("fay", 1, 10), Member("gus", 1, 0)))
    found = ranks(physics, biology, Member("dora", 1, 30))
    assert found == {"gus": 7, "fay": 6, "dora": 5, "ann": 5, "eve": 5, "cyd": 2, "bob": 1}


def test_the_factor_is_the_rank_over_the_number_of_users():
    found = rank_users([Member("a", 1, 1), Member("b", 1, 2), Member("c", 1, 3)])
    assert [(user.name, user.factor) for user in found] == [
        ("a", 1),
        ("b", Fraction(2, 3)),
        ("c", Fraction(1, 3)),
    ]


def test_no_user_of_a_later_account_comes_before_one_of_an_earlier_account():
    earlier = Account("earlier", 1, 49, (Member("heavy", 1, 49),))
    later = Account("later", 1, 51, (Member("light", 1, 0), Member("other", 1, 51)))
    assert ranks(earlier, later) == {"heavy": 3, "light": 2, "other": 1}


def test_children_of_accounts_that_tie_are_compared_as_siblings():
    left = Account("left", 1, 50, (Member("a", 1, 10), Member("b", 1, 40)))  # 2.5, 0.625
    right = Account("right", 1, 50, (Member("c", 1, 20), Member("d", 1, 30)))  # 1.25, 0.83
    assert ranks(left, right) == {"a": 4, "c": 3, "d": 2, "b": 1}


def test_accounts_without_users_take_no_place():
    tied = Account("tied", 1, 10, (Account("empty", 1, 0), Member("deep", 1, 10)))
    assert ranks(Member("user", 1, 10), tied) == {"user": 2, "deep": 2}
    assert rank_users([Account("empty", 1, 0)]) == ()


def test_no_usage_comes_first_and_no_shares_last():
    users = [Member("none", 0, 0), Member("heavy", 1, 10**9), Member("new", 1, 0)]
    assert ranks(*users) == {"new": 3, "heavy": 2, "none": 1}
    keys = [level_key(0, 1.0), level_key(5, 10.0), level_key(5, 1.0), level_key(0, 0.0)]
    assert keys == sorted(keys)
    assert keys[0] == 0
    assert keys[-1] == inf


def test_what_floats_would_call_a_tie_is_none():
    huge = 3 * 10**17
    assert ranks(Member("a", 1, huge), Member("b", 1, huge + 1)) == {"a": 2, "b": 1}


USERS = st.builds(Member, st.uuids().map(str), st.integers(0, 5), st.integers(0, 20))
TREES = st.lists(
    st.recursive(
        USERS,
        lambda nodes: st.builds(
            Account,
            st.uuids().map(str),
            st.integers(0, 5),
            st.integers(0, 40),
            st.lists(nodes, max_size=4).map(tuple),
        ),
        max_leaves=12,
    ),
    max_size=4,
)


def users_below(node: Account | Member) -> list[str]:
    if isinstance(node, Member):
        return [node.name]
    return [name for child in node.children for name in users_below(child)]


@given(TREES, st.randoms())
def test_everybody_is_ranked_once_whatever_the_order_of_the_children(tree, random):
    found = rank_users(tree)
    assert sorted(user.name for user in found) == sorted(n for c in tree for n in users_below(c))
    shuffled = random.sample(tree, len(tree))
    assert rank_users(shuffled) == found
    total = len(found)
    assert all(
        0 < user.rank <= total and user.factor == Fraction(user.rank, total) for user in found
    )
    assert not found or found[0].factor == 1


@given(TREES)
def test_a_higher_level_fair_share_puts_all_below_before_all_below_the_other(tree):
    rank_of = ranks(*tree)
    shares, usage = sum(c.shares for c in tree), sum(c.usage for c in tree)

    def key(child):
        found = level_fair_share(child.shares, child.usage, shares, usage)
        return inf if found is None else found

    for one in tree:
        for other in tree:
            if key(one) > key(other):
                below = [rank_of[name] for name in users_below(other)]
                assert all(rank_of[n] > max(below, default=0) for n in users_below(one))


@given(st.lists(USERS, max_size=8))
def test_users_of_one_level_tie_exactly_when_their_level_fair_shares_do(users):
    rank_of = ranks(*users)
    shares, usage = sum(u.shares for u in users), sum(u.usage for u in users)
    value = {u.name: level_fair_share(u.shares, u.usage, shares, usage) for u in users}
    for one in users:
        for other in users:
            assert (rank_of[one.name] == rank_of[other.name]) == (
                value[one.name] == value[other.name]
            )


@given(st.integers(0, 10**12), st.integers(1, 100), st.integers(0, 10**12), st.integers(1, 100))
def test_the_key_of_queues_orders_as_level_fair_share_does(
    usage, weight, other_usage, other_weight
):
    one, other = level_key(usage, float(weight)), level_key(other_usage, float(other_weight))
    exact = (usage * other_weight > other_usage * weight) - (
        usage * other_weight < other_usage * weight
    )
    assert (one > other) - (one < other) in {exact, 0}


def with_more_usage(node: Account | Member, name: str, more: int) -> Account | Member:
    """The node after one user below it used more: what is above it has used as much more."""
    if name not in users_below(node):
        return node
    used = replace(node, usage=node.usage + more)
    if isinstance(used, Member):
        return used
    return replace(used, children=tuple(with_more_usage(c, name, more) for c in used.children))


@given(TREES, st.data())
def test_nobodys_rank_improves_by_using_more(tree, data):
    names = [name for child in tree for name in users_below(child)]
    assume(names)
    name = data.draw(st.sampled_from(names))
    more = data.draw(st.integers(1, 40))
    after = ranks(*(with_more_usage(child, name, more) for child in tree))
    assert after[name] <= ranks(*tree)[name]
