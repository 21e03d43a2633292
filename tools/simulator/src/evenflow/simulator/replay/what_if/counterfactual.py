"""The past as it might have gone: the same submissions, cancels, nodes and run times, decided anew.

Run by the rules that were recorded it is a model of what happened, and shows how good the model is:
starts and stops take no time in it, and attempts that failed are not tried again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from evenflow.common.domain.clock import HOUR, SECOND, Instant
from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.facts import nodes, queues, quotas, reservations
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.replay.rules import Rules
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.simulator.core_run.meter import UsagePolling
from evenflow.simulator.core_run.outcome import RunOutcome
from evenflow.simulator.core_run.shard_run import ShardRun
from evenflow.simulator.replay.recording.recorded_log import RecordedLog
from evenflow.simulator.replay.what_if.history import History
from evenflow.simulator.replay.what_if.run_times import RunTimes

OnProgress = Callable[[int, int], None]
"""Told how many jobs have ended, and how many there are."""
_LEAST_POLL_US: Final = SECOND
_ROWS: Final = 150
"""At fair shares, over the recorded span: more than a plot shows."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A recorded log, its history, and how long its jobs run."""

    past: RecordedLog
    history: History
    times: RunTimes
    plugins: Plugins


def run_by(scenario: Scenario, rules: Rules, on_progress: OnProgress) -> RunOutcome:
    """Run the past by some rules until all its jobs have ended or can never start."""
    base, history = scenario.past.state(), scenario.history
    rules.begin(base)
    later = _open(base, rules, history)
    since, until = history.busy_span
    run = ShardRun(
        queues_defined=base.queues.values(),
        nodes=base.nodes.values(),
        settings=base.settings,
        quotas_set=base.quotas.values(),
        begin=history.begin,
        polling=_polling(history),
        plugins=scenario.plugins,
        record_every_us=min(HOUR, max(SECOND, (until - since) // _ROWS)),
    )
    for fact in _standing(base):
        run.tell(history.begin, fact)
    for at, fact in later:
        run.tell(at, fact)
    # What runs already comes first, so that it finds the room which it holds.
    for is_running in (True, False):
        for job_id, ran in history.carried.items():
            if ran is is_running:
                job = base.jobs[job_id]
                lasted = history.begin - (job.started_at or history.begin)
                rest = max(1, scenario.times.of(job_id) - lasted)
                run.submit(history.begin, job.spec, rest)
    for at, spec in history.submitted:
        if spec.id in history.outcome.jobs:
            run.submit(at, spec, scenario.times.of(spec.id))
    for at, job_id, user in history.cancelled:
        run.cancel(at, job_id, user)
    return run.run(on_progress)


def _open(base: ShardState, rules: Rules, history: History) -> list[tuple[Instant, Fact]]:
    """Fold what was told before any job came, and return the rest: a run begins with its queues."""
    told = list(_told_by(rules, history, base))
    if base.jobs or not history.submitted:
        return told
    first = history.submitted[0][0]
    before = 0
    while before < len(told) and told[before][0] < first:
        at, fact = told[before]
        apply(base, Entry(base.sequence + 1, "", at, "", fact))
        before += 1
    return told[before:]


def _standing(base: ShardState) -> Iterator[Fact]:
    """Yield what of a base is not told by its queues and nodes."""
    if base.cordoned:
        yield nodes.Cordoned(tuple(sorted(base.cordoned)))
    if base.reservations:
        yield reservations.Defined(tuple(base.reservations.values()))


def _told_by(rules: Rules, history: History, base: ShardState) -> Iterator[tuple[Instant, Fact]]:
    """Yield what was told, as these rules have it; new queues get the quotas of these rules."""
    has_quota = set(base.quotas)
    for at, fact in history.told:
        yield at, rules.told(Entry(0, "", at, "", fact)).fact
        if isinstance(fact, quotas.Set):
            has_quota.update(quota.path for quota in fact.quotas)
        if isinstance(fact, queues.Defined):
            fresh = [q.path for q in fact.queues if q.path in rules.quotas]
            given = [rules.quota_of(Quota(path)) for path in fresh if path not in has_quota]
            has_quota.update(fresh)
            if given:
                yield at, quotas.Set(tuple(given))


def _polling(history: History) -> UsagePolling | None:
    """Return how usage was polled; None when no cycle had any."""
    if history.half_life_us is None:
        return None
    steps = [after - before for before, after in pairwise(history.polls) if after > before]
    poll_us = round(median(steps)) if steps else UsagePolling().poll_us
    return UsagePolling(max(_LEAST_POLL_US, poll_us), history.half_life_us)
