"""How long each job of a past would run, whenever it starts: as it ran, or as is most likely."""

from dataclasses import dataclass, field
from statistics import fmean

from evenflow.common.domain.clock import HOUR, Instant
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.simulator.core_run.outcome import JobOutcome
from evenflow.simulator.replay.what_if.history import History

_DONE = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.TIMEOUT})


@dataclass(slots=True)
class RunTimes:
    """Run times by job, in microseconds, and the jobs of which the past does not tell them."""

    known: dict[str, int] = field(default_factory=dict)
    guessed: dict[str, int] = field(default_factory=dict)

    def of(self, job_id: str) -> int:
        """Return how long a job runs."""
        return self.known[job_id] if job_id in self.known else self.guessed[job_id]


def run_times(history: History) -> RunTimes:
    """Return run times: of jobs that ended, that of their last attempt.

    Others were cancelled, or had not ended when the past ended. They get what they ran already, or
    more if more is likely: what jobs like them took (same user and queue, else same queue, else
    all), their estimate, their limit, an hour; the first of these that is known.
    """
    found = RunTimes()
    alike: dict[tuple[str, ...], list[int]] = {}
    rest: list[JobOutcome] = []
    for job_id, job in history.outcome.jobs.items():
        last = job.attempts[-1] if job.attempts else None
        if job.state in _DONE and last is not None and last.end is not None:
            lasted = found.known[job_id] = last.end - last.start
            for key in _keys(job.spec):
                alike.setdefault(key, []).append(lasted)
        else:
            rest.append(job)
    means = {key: round(fmean(lasted)) for key, lasted in alike.items()}
    for job in rest:
        likely = next((means[key] for key in _keys(job.spec) if key in means), None)
        if likely is None:
            likely = job.spec.estimated_duration_us or job.spec.time_limit_us or HOUR
        found.guessed[job.spec.id] = max(likely, _ran(job, history.end))
    return found


def _keys(spec: JobSpec) -> tuple[tuple[str, ...], ...]:
    return (spec.queue, spec.user), (spec.queue,), ()


def _ran(job: JobOutcome, end: Instant) -> int:
    """Return how long its last attempt had run when it was cancelled, or when the past ended."""
    if not job.attempts:
        return 0
    last = job.attempts[-1]
    return (end if last.end is None else last.end) - last.start
