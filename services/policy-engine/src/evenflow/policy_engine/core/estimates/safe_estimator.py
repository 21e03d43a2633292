"""An estimator of somebody else: plans stay possible, whatever it answers or raises."""

from collections.abc import Callable
from typing import Final

from evenflow.common.domain.clock import DAY, Instant
from evenflow.policy_engine.core.estimates.estimator import (
    Dumped,
    Estimator,
    EstimatorKind,
    Features,
)
from evenflow.policy_engine.core.estimates.limit import Limit

LONGEST_US: Final = 100 * 365 * DAY
"""A century, as for limits: a longer plan is a mistake, and no calendar could show its end."""
_LONGEST_TOLD: Final = 200  # characters


class SafeEstimator:
    """Asks an estimator, and plans the limit where it raises or answers nonsense.

    `failures` counts such answers; `complaint` is the first of them, for a log.
    """

    def __init__(self, estimator: Estimator) -> None:
        """Stand before an estimator that could be made; see `make_safe`."""
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
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - nothing that it raises may end a cycle
            self.complain("learn", _raised(error))

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
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - as above
            self.complain(asked, _raised(error))
            return fallback
        if answer is None:
            return fallback
        # A float is refused even where it is whole: NaN is one, and sums of them differ. So is a
        # number of a class of its own, which may compare as it likes.
        if type(answer) is not int or not above_us < answer <= LONGEST_US:
            told = _text(lambda: repr(answer))
            self.complain(asked, f"answered {told}, which is no number of microseconds")
            return fallback
        return answer if limit_us is None else min(answer, limit_us)

    def complain(self, asked: str, what: str) -> None:
        """Count what cannot be used; the first of all is kept in words."""
        self.failures += 1
        if not self.complaint:
            self.complaint = f"the estimate {self.name} {what} (asked for {asked})"


def make_safe(kind: EstimatorKind) -> SafeEstimator:
    """Return a fresh estimator of a kind; one that plans limits when it cannot be made."""
    try:
        made = SafeEstimator(kind())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - as above
        made = SafeEstimator(Limit())
        made.name = kind.name
        made.complain("itself", _raised(error))
    return made


def _raised(error: BaseException) -> str:
    return f"raised {type(error).__name__}: {_text(lambda: str(error))}"


def _text(tell: Callable[[], str]) -> str:
    """Return what somebody else's object says of itself, short, whatever its methods do."""
    try:
        return tell()[:_LONGEST_TOLD]
    except Exception:  # noqa: BLE001 - as above
        return "something that cannot be told"
