"""What `evenflow up` notes of the processes it runs: who was started again, how often and why."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from evenflow.gateway.status.documents import Restarts

CHILDREN_FILE_VARIABLE: Final = "EVENFLOW_CHILDREN_FILE"


def restarts() -> dict[str, Restarts]:
    """Return the processes that were started again; none where nobody notes them."""
    return {name: each for name, each in _noted().items() if each["count"]}


class RestartCollector(Collector):
    """Shows them to Prometheus, as they are at every scrape."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the counter."""
        counter = CounterMetricFamily(
            "evenflow_restarts",
            "Times that `evenflow up` started a process again.",
            labels=("process",),
        )
        for name, each in _noted().items():
            counter.add_metric((name,), each["count"])
        yield counter


def _noted() -> dict[str, Restarts]:
    path = os.environ.get(CHILDREN_FILE_VARIABLE)
    if not path:
        return {}
    try:
        noted = json.loads(Path(path).read_text(encoding="utf-8"))
        return {
            str(name): Restarts(count=int(each["restarts"]), reason=str(each["reason"]))
            for name, each in noted.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # not written yet, or by an older release
