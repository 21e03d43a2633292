"""What a played scenario comes to, and what it must come to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import HOUR, SECOND, Instant
from tests.experiment.held import Held
from tests.experiment.scenario import AWAY, GPUS, QUEUES, STAYING, Scenario

CLOSE: Final = 0.05
"""How far apart GPU-hours may be, as a part of their mean."""
_LOOKS: Final = 200  # at usage, between return and end


@dataclass(frozen=True, slots=True)
class Figures:
    """One run in numbers; shares are of all GPUs."""

    scenario: Scenario
    where: str
    hours: tuple[float, float]  # GPU-hours of both over the last two half-lives
    back: float  # share of the queue that returned, over the first half-life after
    even_after: float | None  # hours after the return until usages stay close; None: never
    least: int  # GPUs of the queue that stays, at any instant

    @property
    def gap(self) -> float:
        """How far apart the GPU-hours of the last two half-lives are."""
        first, second = self.hours
        return abs(first - second) / ((first + second) / 2)

    def broken(self) -> Iterator[str]:
        """Yield what is not as it must be."""
        if not self.scenario.deserved and self.gap > CLOSE:
            yield f"GPU-hours differ by {self.gap:.1%} over the last two half-lives"
        if self.least < self.scenario.deserved:
            yield f"held {self.least} GPUs and deserves {self.scenario.deserved}"
        if self.scenario.k and not self.scenario.deserved and self.back <= 0.5 + CLOSE:
            yield f"whoever returned got {self.back:.0%} at first: it never caught up"


def figures_of(scenario: Scenario, where: str, held: Mapping[str, Held]) -> Figures:
    """Return what the run comes to."""
    # The first jobs need an instant to start, in a running system a longer one.
    after_start = scenario.job_us
    until = scenario.returns + scenario.half_life_us
    return Figures(
        scenario,
        where,
        (held[STAYING].gpu_hours(*scenario.last), held[AWAY].gpu_hours(*scenario.last)),
        share_of(held[AWAY], scenario.returns, until),
        _even_after(scenario, held),
        held[STAYING].least(after_start, scenario.end - SECOND),
    )


def share_of(held: Held, begin: Instant, end: Instant) -> float:
    """Return what a queue held in a time, as a part of all GPUs."""
    return held.gpu_hours(begin, end) / (GPUS * (end - begin) / HOUR)


def usage_of(scenario: Scenario, held: Held, at: Instant) -> float:
    """Return a queue's usage as a snapshot tells it, by the closed form."""
    whole = Held.of([(0, GPUS)])
    return held.decayed(at, scenario.half_life_us) / whole.decayed(at, scenario.half_life_us)


def _even_after(scenario: Scenario, held: Mapping[str, Held]) -> float | None:
    found = None
    step = (scenario.end - scenario.returns) // _LOOKS
    for at in range(scenario.returns + step, scenario.end, step):
        first, second = (usage_of(scenario, held[queue], at) for queue in QUEUES)
        if abs(first - second) > CLOSE:
            found = None
        elif found is None:
            found = (at - scenario.returns) / HOUR
    return found
