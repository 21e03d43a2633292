"""What a gateway says of usage over time, as types."""

from typing import Any, TypedDict

Usage = dict[str, Any]
"""Decayed usage as the policy engine reads it, with its age and freshness (API-17)."""


class UsageHistoryRow(TypedDict, total=False):
    """Hours that one group held: of cards, cores, GiB, base units of others.

    `start` and `end` are absent in a report; of queue, project and user those are there by which
    it is grouped.
    """

    start: str
    end: str
    queue: str
    project: str
    user: str
    hours: dict[str, float]
    cost: float


class UsageHistory(TypedDict):
    """What was held, exactly, from `since` to `until`, and what it costs by `prices`."""

    since: str
    until: str
    now: str
    by: str | None
    group_by: list[str]
    rows: list[UsageHistoryRow]
    total: dict[str, float]
    cost: float
    prices: dict[str, float]
