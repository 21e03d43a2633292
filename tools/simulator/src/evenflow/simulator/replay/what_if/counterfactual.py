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
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.replay.rules import Rules
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.simulator.core_run.meter import Pace
from evenflow.simulator.core_run.outcome import RunOutcome
from evenflow.simulator.core_run.shard_run import ShardRun
from evenflow.simulator.replay.recording.recorded_log import Past
from evenflow.simulator.replay.what_if.history import Recorded
from evenflow.simulator.replay.what_if.run_times import RunTimes

OnProgress = Callable[[int, int], None]
"""Told how many jobs have ended, and how many there are."""
_LEAST_POLL_US: Final = SECOND
_LOOKS: Final = 150
"""At fair shares, over the recorded span: more than a plot shows."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A past and how long its jobs run."""

    past: Past
    recorded: Recorded
    times: RunTimes
    plugins: Plugins


def run_by(scene: Scene, rules: Rules, on_progress: OnProgress) -> RunOutcome:
    """Run the past by some rules until all its jobs have ended or can never start."""
    base, recorded = scene.past.state(), scene.recorded
    rules.begin(base)
    later = _open(base, rules, recorded)
    since, until = recorded.busy_span
    run = ShardRun(
        queues_defined=base.queues.values(),
        nodes=base.nodes.values(),
        settings=base.settings,
        quotas_set=base.quotas.values(),
        begin=recorded.begin,
        pace=_pace(recorded),
        plugins=scene.plugins,
        look_us=min(HOUR, max(SECOND, (until - since) // _LOOKS)),
    )
    for fact in _standing(base):
        run.tell(recorded.begin, fact)
    for at, fact in later:
        run.tell(at, fact)
    # What runs already comes first, so that it finds the room which it holds.
    for is_running in (True, False):
        for job_id, ran in recorded.carried.items():
            if ran is is_running:
                job = base.jobs[job_id]
                lasted = recorded.begin - (job.started_at or recorded.begin)
                rest = max(1, scene.times.of(job_id) - lasted)
                run.submit(recorded.begin, job.spec, rest)
    for at, spec in recorded.submitted:
        if spec.id in recorded.outcome.jobs:
            run.submit(at, spec, scene.times.of(spec.id))
    for at, job_id, user in recorded.cancelled:
        run.cancel(at, job_id, user)
    return run.run(on_progress)


def _open(base: ShardState, rules: Rules, recorded: Recorded) -> list[tuple[Instant, Fact]]:
    """Fold what was told before any job came, and return the rest: a run begins with its queues."""
    told = list(_told_by(rules, recorded, base))
    if base.jobs or not recorded.submitted:
        return told
    first = recorded.submitted[0][0]
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


def _told_by(rules: Rules, recorded: Recorded, base: ShardState) -> Iterator[tuple[Instant, Fact]]:
    """Yield what was told, as these rules have it; new queues get the quotas of these rules."""
    has_quota = set(base.quotas)
    for at, fact in recorded.told:
        yield at, rules.told(Entry(0, "", at, "", fact)).fact
        if isinstance(fact, quotas.Set):
            has_quota.update(quota.path for quota in fact.quotas)
        if isinstance(fact, queues.Defined):
            fresh = [q.path for q in fact.queues if q.path in rules.quotas]
            given = [rules.quota_of(Quota(path)) for path in fresh if path not in has_quota]
            has_quota.update(fresh)
            if given:
                yield at, quotas.Set(tuple(given))


def _pace(recorded: Recorded) -> Pace | None:
    """Return how usage was polled; None when no cycle had any."""
    if recorded.half_life_us is None:
        return None
    steps = [after - before for before, after in pairwise(recorded.polls) if after > before]
    poll_us = round(median(steps)) if steps else Pace().poll_us
    return Pace(max(_LEAST_POLL_US, poll_us), recorded.half_life_us)
