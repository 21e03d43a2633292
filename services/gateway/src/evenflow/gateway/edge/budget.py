"""How many requests one user may send: a bucket of tokens each, filled at a steady rate."""

import time
from collections.abc import Callable
from typing import Final

from evenflow.common.domain.errors import RequestRejected
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role

_BURST_SECONDS: Final = 2.0
_MOST_USERS: Final = 10_000


class TooManyRequests(RequestRejected):
    """The user has used up what there was for now."""

    status = 429
    code = "too_many_requests"

    def __init__(self, user: str, rate: float, seconds: float) -> None:
        """Say after how many seconds there is another."""
        super().__init__(
            f"user {user!r} sent more than {rate:g} requests a second "
            "(gateway.requests_per_second); send many jobs as one batch (jobs:batch)"
        )
        self.retry_after_seconds = seconds


class RequestBudget:
    """The buckets of all users."""

    def __init__(self, rate: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`rate` is in requests a second; 0: no bound."""
        self._rate = rate
        self._burst = max(1.0, rate * _BURST_SECONDS)
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}  # what is left, and when

    def take(self, principal: Principal) -> None:
        """Take a request out of its user's bucket; raises TooManyRequests when it is empty."""
        if not self._rate or principal.may(EVERY_PROJECT, Role.ADMIN):
            return
        now, user = self._monotonic(), principal.user
        left, at = self._buckets.pop(user, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        if left < 1:
            self._buckets[user] = (left, now)
            raise TooManyRequests(user, self._rate, (1 - left) / self._rate)
        self._buckets[user] = (left - 1, now)  # the last of all: the first has waited longest
        if len(self._buckets) > _MOST_USERS:
            del self._buckets[next(iter(self._buckets))]
