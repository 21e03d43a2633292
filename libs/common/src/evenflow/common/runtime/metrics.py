"""One Prometheus registry a process and the few metrics every service has."""

from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

PREFIX: Final = "evenflow_"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# Seconds: from a fold of one fact to a cycle or a cluster call that is in trouble.
SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# Unbounded values would grow a time series each: they belong into logs and facts.
_FORBIDDEN_LABELS: Final = frozenset({"job", "job_id", "user", "user_id", "run", "token"})


class Metrics:
    """The registry of this process. Names get the prefix `evenflow_`; help says how to read it."""

    def __init__(self, *, service: str, shard: str, version: str) -> None:
        """Register what every service shows."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.gauge(
            "build_info", "Always 1; the labels name what runs.", ("service", "shard", "version")
        ).labels(service, shard, version).set(1)
        self.events_handled = self.counter(
            "events_handled_total",
            "Messages handled, by subject and outcome (folded, void, replied, refused, dead).",
            ("subject", "outcome"),
        )
        self._event_lag: Gauge | None = None
        self._stands_at: Gauge | None = None
        self.is_ready = self.gauge("ready", "1 while /readyz answers 200.")

    def show_lag(self, lag: Callable[[], float]) -> None:
        """Show how far this process is behind the log; it is asked whenever somebody looks."""
        if self._event_lag is None:  # who follows no log has none: 0 would be a lie
            self._event_lag = self.gauge(
                "event_lag_messages",
                "Messages in the log that this process has not folded yet; NaN: not known now.",
            )
        self._event_lag.set_function(lag)

    def show_standstill(self, sequence: int) -> None:
        """Show where in the log this process cannot read on; 0: it reads."""
        if self._stands_at is None:
            self._stands_at = self.gauge(
                "reading_stands_at_sequence",
                "Sequence of the log at which this process cannot read on; 0 while it reads.",
            )
        self._stands_at.set(sequence)

    def counter(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
        """Make a counter; its name ends in `_total`."""
        if not name.endswith("_total"):
            raise ValueError(f"a counter's name ends in _total, not {name!r}")
        return Counter(PREFIX + name, help_text, _checked(labels), registry=self.registry)

    def gauge(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Gauge:
        """Make a gauge; its name ends in its unit, `_ratio` for 0..1."""
        return Gauge(PREFIX + name, help_text, _checked(labels), registry=self.registry)

    def histogram(
        self,
        name: str,
        help_text: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = SECONDS_BUCKETS,
    ) -> Histogram:
        """Make a histogram; of seconds unless `buckets` say otherwise."""
        return Histogram(
            PREFIX + name, help_text, _checked(labels), registry=self.registry, buckets=buckets
        )

    def render(self) -> bytes:
        """Return the Prometheus text of everything registered."""
        return generate_latest(self.registry)


def _checked(labels: Sequence[str]) -> Sequence[str]:
    if unbounded := _FORBIDDEN_LABELS.intersection(labels):
        raise ValueError(f"labels come from small closed sets, not from {sorted(unbounded)}")
    return labels
