"""Fair Tree: users ranked down a tree of accounts, by level fair share at each level.

Level fair share is an account's part of its siblings' shares over its part of their usage. Whoever
has more of it goes first with all that is below: no user of a later account comes before one of an
earlier. All siblings have the same sums, so shares over usage orders them alike; it is compared
exactly, as fractions.

Equals stay equals. The children of accounts that tie are ranked as if they were siblings, by the
level fair share that each has at home; a user that ties with accounts ranks with the best below
them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import inf
from typing import Final

_FIRST: Final = (0, Fraction(0))  # nothing used: infinite level fair share
_LAST: Final = (2, Fraction(0))  # no shares


@dataclass(frozen=True, slots=True)
class Member:
    """A user in one account; `name` is unique in the tree."""

    name: str
    shares: int
    usage: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account and what is below it; its usage is that of all below, and is taken as given."""

    name: str
    shares: int
    usage: int
    children: tuple["Account | Member", ...] = ()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A user and its rank: n for the first of n users; those that tie have the same."""

    name: str
    rank: int
    factor: Fraction  # rank / n


_Place = tuple[int, Fraction]
"""Ascending: falling level fair share."""
_Child = tuple[_Place, Account | Member]
_Ranking = tuple[int, str]
"""How many users come before, and the name."""


def level_fair_share(shares: int, usage: int, all_shares: int, all_usage: int) -> Fraction | None:
    """Return normalised shares over normalised usage; None: infinite, for nothing was used.

    The sums are over the node itself and its siblings. Without shares it is 0, whatever was used.
    """
    if not shares or not all_shares:
        return Fraction(0)
    if not usage or not all_usage:
        return None
    return Fraction(shares, all_shares) / Fraction(usage, all_usage)


def level_key(usage: int, weight: float) -> float:
    """Return a key by which siblings ascend as their level fair share falls.

    No usage comes first and no weight last. It is for comparing queues in a cycle: a float, while
    `rank_users` is exact.
    """
    return usage / weight if weight > 0 else inf


def rank_users(children: Iterable[Account | Member]) -> tuple[Ranked, ...]:
    """Return all users below the root, first to last; those that tie are ordered by name."""
    places: list[_Ranking] = []
    _rank(_at_home(tuple(children)), 0, places)
    total = len(places)
    return tuple(
        Ranked(name, total - before, Fraction(total - before, total))
        for before, name in sorted(places)
    )


def _at_home(siblings: Sequence[Account | Member]) -> list[_Child]:
    all_shares = sum(node.shares for node in siblings)
    all_usage = sum(node.usage for node in siblings)
    children: list[_Child] = []
    for node in siblings:
        share = level_fair_share(node.shares, node.usage, all_shares, all_usage)
        place = _FIRST if share is None else _LAST if not share else (1, -share)
        children.append((place, node))
    return children


def _rank(siblings: list[_Child], start: int, places: list[_Ranking]) -> None:
    """Append every user at or below these, which are compared with each other.

    The best of them come at `start`: where the users are that their accounts tie with, if any.
    """
    known = len(places)
    in_order = sorted(siblings, key=lambda child: (child[0], child[1].name))
    for _, tied in groupby(in_order, key=lambda child: child[0]):
        before = start if len(places) == known else len(places)
        below: list[_Child] = []
        for _, node in tied:
            if isinstance(node, Member):
                places.append((before, node.name))
            else:
                below += _at_home(node.children)
        _rank(below, before, places)
