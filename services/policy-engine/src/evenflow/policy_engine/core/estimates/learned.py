"""Run times learned from runs like it: of the same user, command, width and limit, then of fewer.

Similar runs are looked for from the closest kind to the widest. Each kind takes its part of what
is still open: n runs take n / (n + 3) of it, so that three count as much as all wider kinds. In a
kind the newest counts most, each older run nine tenths of the next. A run under another limit
counts as the same part of this one. The mean of these weighted runs is what to expect, and the
time within which fifteen sixteenths of the weight have ended is what to plan: a plan that is missed
costs a reservation, one that is long costs a gap only.

Integers alone, and one pass over some dozens of runs an answer.
"""

from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core.estimates.estimator import Dumped, Features
from evenflow.policy_engine.core.estimates.run_samples import Key, RunSample, RunSamples

_DEPTH: Final = 8  # runs kept of a kind; more than that are of another time
_POOL_DEPTH: Final = 64  # of everybody's runs under limits of one size
_CARRY: Final = 3  # runs of a kind that count as much as all wider kinds
_WHOLE: Final = 1 << 20
_MOST: Final = 1 << 62  # microseconds: no run is as long
_LEAST: Final = _WHOLE // 50  # what is still open below this changes no answer
_PLANNED: Final = (15, 16)
_USER: Final = 4  # the place of the kind that knows the user alone
_AGES: Final = [1 << 20]
while len(_AGES) < _POOL_DEPTH:
    _AGES.append(_AGES[-1] * 9 // 10)
_AGES_UP_TO: Final = [sum(_AGES[:count]) for count in range(_POOL_DEPTH + 1)]

Weighted = list[tuple[int, int]]
"""Run times, in microseconds, with their weights."""


class Learned:
    """Plans and expects by weighted similar runs; falls back to the limit at the first miss."""

    name = "learned"

    def __init__(self) -> None:
        """Begin with no run known."""
        self._kinds = RunSamples(_DEPTH, 200_000)
        self._pool = RunSamples(_POOL_DEPTH)
        # The last answer to `_similar`: who asks for a plan asks for an expectation as well.
        self._asked: tuple[Features, Weighted] | None = None

    def plan(self, job: Features) -> int | None:
        """Return the time by which fifteen sixteenths have ended; None: nothing is known."""
        runs = self._similar(job)
        if not runs:
            return None
        part, of = _PLANNED
        open_weight = sum(weight for _, weight in runs) * part
        for run_us, weight in sorted(runs):
            open_weight -= weight * of
            if open_weight <= 0:
                return run_us
        return max(runs)[0]  # not reached: all weights together are more

    def expect(self, job: Features) -> int | None:
        """Return the weighted mean; None: nothing is known and nothing limits it."""
        runs = self._similar(job)
        if not runs:
            return None
        return max(1, sum(us * weight for us, weight in runs) // sum(weight for _, weight in runs))

    def missed(self, job: Features, ran_us: int) -> int | None:
        """Return the limit; without one, twice the time that it has run."""
        if job.limit_us is None:
            return 2 * max(1, ran_us)
        return job.limit_us if job.limit_us > ran_us else None

    def learn(self, job: Features, run_us: int, ended_at: Instant) -> None:  # noqa: ARG002
        """Remember the run under each kind that it is of."""
        run = RunSample(run_us, job.limit_us or 0)
        for key in _kinds_of(job):
            self._kinds.add(key, run)
        self._pool.add(_pool_of(job), run)
        self._asked = None

    def dump(self) -> Dumped:
        """Return the runs by kind."""
        return {"kinds": self._kinds.dump(), "pool": self._pool.dump()}

    def load(self, dumped: Dumped) -> None:
        """Take the place of all that was remembered."""
        self._kinds.load(dumped.get("kinds", []))
        self._pool.load(dumped.get("pool", []))
        self._asked = None

    def _similar(self, job: Features) -> Weighted:
        """Return similar runs with their weights, for this job's limit."""
        if self._asked is None or self._asked[0] != job:
            self._asked = job, self._look_up(job)
        return self._asked[1]

    def _look_up(self, job: Features) -> Weighted:
        left = _WHOLE
        found: Weighted = []
        for number, key in enumerate(_kinds_of(job)):
            runs = self._kinds.of(key)
            if runs:
                part = left * len(runs) // (len(runs) + _CARRY)
                _weigh(found, runs, part, job.limit_us, is_scaled=number == _USER)
                left -= part
                if left < _LEAST:
                    return found
        runs = self._pool.of(_pool_of(job))
        if runs:
            _weigh(found, runs, left, job.limit_us, is_scaled=True)
        elif job.limit_us is not None:
            found.append((job.limit_us, left))
        return found


def _kinds_of(job: Features) -> tuple[Key, ...]:
    """Return the kinds of runs that a job is of, from the closest to the widest."""
    user, command, width, limit = job
    return (
        ("all", user, command, width, limit),
        ("command", user, command, limit),
        ("limit", user, limit),
        ("width", user, width),
        ("user", user),
    )


def _pool_of(job: Features) -> Key:
    """Return the pool of limits within a factor of two; those of no limit are another."""
    return (0 if job.limit_us is None else job.limit_us.bit_length(),)


def _weigh(
    found: Weighted,
    runs: tuple[RunSample, ...],
    part: int,
    limit_us: int | None,
    *,
    is_scaled: bool,
) -> None:
    """Share a part among runs by their age, newest first; scale them to a limit."""
    total = _AGES_UP_TO[len(runs)]
    most = _MOST if limit_us is None else limit_us
    for (run_us, run_limit), age in zip(runs, _AGES, strict=False):
        like = run_us * limit_us // run_limit if is_scaled and limit_us and run_limit else run_us
        found.append((like if 0 < like <= most else most if like else 1, part * age // total))
