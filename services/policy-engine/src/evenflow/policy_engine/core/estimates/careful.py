"""An estimator of somebody else: plans stay possible, whatever it answers or raises."""

from collections.abc import Callable

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core.estimates.estimator import Dumped, Estimator, Features


class Careful:
    """Asks an estimator, and plans the limit where it raises or answers nonsense.

    `failures` counts such answers; `complaint` is the first of them, for a log.
    """

    def __init__(self, estimator: Estimator) -> None:
        """Stand before an estimator."""
        self._estimator = estimator
        self.name = estimator.name
        self.failures = 0
        self.complaint = ""

    def plan(self, job: Features) -> int | None:
        """Return its plan, else the limit."""
        return self._answer(
            "plan", job.limit_us, 0, lambda: self._estimator.plan(job), job.limit_us
        )

    def expect(self, job: Features) -> int | None:
        """Return what it expects, else the limit."""
        return self._answer(
            "expect", job.limit_us, 0, lambda: self._estimator.expect(job), job.limit_us
        )

    def missed(self, job: Features, ran_us: int) -> int | None:
        """Return its new plan, else the limit."""
        limit = job.limit_us
        fallback = limit if limit is not None and limit > ran_us else None
        return self._answer(
            "missed", limit, ran_us, lambda: self._estimator.missed(job, ran_us), fallback
        )

    def learn(self, job: Features, run_us: int, ended_at: Instant) -> None:
        """Tell it; what it raises is counted and changes nothing."""
        try:
            self._estimator.learn(job, run_us, ended_at)
        except Exception as error:  # noqa: BLE001 - somebody else's code: anything may come of it
            self._complain("learn", f"raised {type(error).__name__}: {error}")

    def dump(self) -> Dumped:
        """Return what it remembers."""
        return self._estimator.dump()

    def load(self, dumped: Dumped) -> None:
        """Let it remember what was dumped."""
        self._estimator.load(dumped)

    def _answer(
        self,
        asked: str,
        limit_us: int | None,
        above_us: int,
        ask: Callable[[], int | None],
        fallback: int | None,
    ) -> int | None:
        try:
            answer: object = ask()
        except Exception as error:  # noqa: BLE001 - as above
            self._complain(asked, f"raised {type(error).__name__}: {error}")
            return fallback
        if answer is None:
            return fallback
        # A float is refused even where it is whole: NaN is one, and sums of them differ.
        if not isinstance(answer, int) or isinstance(answer, bool) or answer <= above_us:
            self._complain(asked, f"answered {answer!r}, which is no number of microseconds")
            return fallback
        return answer if limit_us is None else min(answer, limit_us)

    def _complain(self, asked: str, what: str) -> None:
        self.failures += 1
        if not self.complaint:
            self.complaint = f"the estimate {self.name} {what} (asked for {asked})"
