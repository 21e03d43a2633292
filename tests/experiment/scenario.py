"""What is played: two equal queues on sixteen GPUs, each wanting all of them; one goes and returns.

The same scenario goes through the core in virtual time and through a running system; only the
lengths differ, because a running system takes its time.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import HOUR, SECOND, Instant

GPUS: Final = 16
STAYING, AWAY = "speech", "vision"
QUEUES: Final = (STAYING, AWAY)
MINUTE: Final = 60 * SECOND
_UNEVEN: Final = 0.2  # jobs differ by up to so much in length, so that they do not march in step
_AHEAD: Final = 3  # how often all GPUs over a queue wants at its start


@dataclass(frozen=True, slots=True)
class Scenario:
    """Lengths in microseconds of the shard's clock; `width` is the GPUs of a job.

    Both want everything until `leaves`; the one that is away wants nothing until `returns`.
    """

    half_life_us: int
    k: float
    leaves: Instant = 8 * HOUR
    returns: Instant = 16 * HOUR
    settle_half_lives: int = 8  # after the return
    job_us: int = 5 * MINUTE
    poll_us: int = MINUTE
    width: int = 1
    deserved: int = 0  # GPUs of the queue that stays, none of the other
    is_preemptible: bool = False

    @property
    def end(self) -> Instant:
        """When it is over."""
        return self.returns + self.settle_half_lives * self.half_life_us

    @property
    def last(self) -> tuple[Instant, Instant]:
        """The last two half-lives."""
        return self.end - 2 * self.half_life_us, self.end

    def wants(self, queue: str) -> tuple[tuple[Instant, Instant], ...]:
        """Return the times in which a queue wants everything."""
        if queue == AWAY:
            return (0, self.leaves), (self.returns, self.end)
        return ((0, self.end),)

    def deserved_of(self, queue: str) -> int:
        """Return the GPUs that no history takes from a queue."""
        return self.deserved if queue == STAYING else 0

    def jobs(self, queue: str) -> Iterator[tuple[Instant, int, Instant]]:
        """Yield jobs, enough that some always wait: when it comes, how long it runs, when it goes.

        Who leaves withdraws what still waits and runs.
        """
        chance = random.Random(f"{queue} {self.width}")
        wide = GPUS // self.width
        for begin, end in self.wants(queue):
            for _ in range(_AHEAD * wide):
                yield begin, length(chance, self.job_us), end
            at, step = begin, self.job_us // wide
            while (at := at + step) < end:
                yield at, length(chance, self.job_us), end


def length(chance: random.Random, job_us: int) -> int:
    """Return how long a job runs."""
    return round(job_us * chance.uniform(1 - _UNEVEN, 1 + _UNEVEN))
