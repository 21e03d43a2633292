"""Whose wall clock differs from ours, as heartbeats show it (FAIL-09).

What a heartbeat says its sender's clock shows is older by the time it took. So of the last few the
difference nearest to zero counts; and of many that come at once, as after a freeze, only one does.
"""

from collections import deque
from typing import Final

import structlog

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.metrics import Metrics

MOST_SECONDS: Final = 30.0
"""A larger difference is reported."""
_HEARTBEATS: Final = 3
_APART_SECONDS: Final = 0.5

_log: Logger = structlog.get_logger(__name__)


class ClockDifferences:
    """The differences of every process that sends heartbeats, in seconds; above 0: it is ahead."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        """Nobody was heard."""
        self._last: dict[tuple[str, str], deque[float]] = {}
        self._noted_at: dict[tuple[str, str], float] = {}
        self._reported: set[tuple[str, str]] = set()
        self._gauge = metrics and metrics.gauge(
            "clock_difference_seconds",
            "How far the wall clock of a service is ahead of the gateway's, by its heartbeats.",
            ("of", "instance"),
        )

    def note(self, key: tuple[str, str], sent_at: Instant, now: Instant, monotonic: float) -> None:
        """Take in a heartbeat of a process: the time it shows, and ours."""
        if monotonic - self._noted_at.get(key, -_APART_SECONDS) < _APART_SECONDS:
            return
        self._noted_at[key] = monotonic
        self._last.setdefault(key, deque(maxlen=_HEARTBEATS)).append((sent_at - now) / SECOND)
        difference = self._nearest(key)
        if difference is None:
            return
        if self._gauge:
            self._gauge.labels(*key).set(difference)
        if (abs(difference) > MOST_SECONDS) != (key in self._reported):
            self._report(key, difference)

    def too_large(self, key: tuple[str, str]) -> float | None:
        """Return the difference of a process, if it is more than clocks may differ."""
        difference = self._nearest(key)
        return difference if difference is not None and abs(difference) > MOST_SECONDS else None

    def forget(self, key: tuple[str, str]) -> None:
        """A process is not heard any more."""
        if self._gauge and self._nearest(key) is not None:
            self._gauge.remove(*key)
        self._last.pop(key, None)
        self._noted_at.pop(key, None)
        self._reported.discard(key)

    def _nearest(self, key: tuple[str, str]) -> float | None:
        last = self._last.get(key, ())
        return min(last, key=abs) if len(last) == _HEARTBEATS else None

    def _report(self, key: tuple[str, str], difference: float) -> None:
        service, instance = key
        about = {"service_heard": service, "instance": instance, "seconds": round(difference, 1)}
        if key in self._reported:
            self._reported.discard(key)
            _log.info("clocks_agree_again", **about)
        else:
            self._reported.add(key)
            _log.warning("clocks_differ", **about)


def difference_in_words(difference: float) -> str:
    """Say what a difference means, and what to do."""
    side = "ahead of" if difference > 0 else "behind"
    return (
        f"its clock is {abs(difference):.0f} s {side} the gateway's, so ages and waits are off: "
        "see that NTP sets the clocks of both machines"
    )
