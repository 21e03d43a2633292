"""Other rules on the recorded past: which decisions differ, and how it might have gone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evenflow.common.domain.quotas.quota import Quota
from evenflow.policy_engine.core.replay.rules import AS_RECORDED, Rules
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.simulator.replay.recording.recorded_log import RecordedLog
from evenflow.simulator.replay.replay_log import ReplayResult, replay_log
from evenflow.simulator.replay.rules.definition_fields import judge_quota
from evenflow.simulator.replay.rules.policy_file import BadPolicy, check_queues
from evenflow.simulator.replay.what_if.compare import Comparison, compare
from evenflow.simulator.replay.what_if.counterfactual import Scenario, run_by
from evenflow.simulator.replay.what_if.history import History, history_of
from evenflow.simulator.replay.what_if.run_times import RunTimes, run_times

OnStep = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """All that a report tells of other rules on a past."""

    past: RecordedLog
    rules: Rules
    differing: list[tuple[str, str, str]]  # what differs: its name, as it was, as it would be
    history: History
    times: RunTimes
    decisions: ReplayResult
    numbers: Comparison


def what_if(
    past: RecordedLog, rules: Rules, source: Path, plugins: Plugins, on_step: OnStep
) -> WhatIf:
    """Decide a past by other rules: cycle by cycle as it was, and as a whole as it might have gone.

    Raises:
        BadPolicy: a rule is for a queue that this past never had, or breaks a rule itself.
        UnreadableMessage, CannotReplay: the past is damaged.
    """
    history = history_of(past)
    check_queues(rules, frozenset(history.queues), source)
    broken = [
        problem
        for path in rules.quotas
        for problem in judge_quota(rules.quota_of(history.quotas.get(path) or Quota(path)))
    ]
    if broken:
        raise BadPolicy(str(source), broken)
    span = past.end - past.base_sequence
    decisions = replay_log(
        past,
        plugins,
        rules=rules,
        on_cycle=lambda sequence: on_step("deciding again", sequence - past.base_sequence, span),
    )
    times = run_times(history)
    scenario = Scenario(past, history, times, plugins)
    modelled = run_by(scenario, AS_RECORDED, lambda *done: on_step("recorded rules", *done))
    other = run_by(scenario, rules, lambda *done: on_step("new rules", *done))
    return WhatIf(
        past,
        rules,
        _differing(rules, history),
        history,
        times,
        decisions,
        compare(history, modelled, other),
    )


def _differing(rules: Rules, history: History) -> list[tuple[str, str, str]]:
    """Return what differs from what was so at the end of the past, in words."""
    found: list[tuple[str, str, str]] = []
    settings = history.settings
    for name, value in rules.settings.items():
        found.append((name, _shown(getattr(settings, name)), _shown(value)))
    for path, fields in rules.queues.items():
        for name, value in fields.items():
            found.append(
                (f"{path}: {name}", _shown(getattr(history.queues[path], name)), _shown(value))
            )
    for path, fields in rules.quotas.items():
        known = history.quotas.get(path) or Quota(path)
        for name, value in fields.items():
            before = getattr(known, name)
            if isinstance(value, dict):
                for member, amount in value.items():
                    told = f"{path}: quota {name}.{member}"
                    found.append((told, _shown(before.get(member)), _shown(amount)))
            else:
                found.append((f"{path}: quota {name}", _shown(before), _shown(value)))
    return found


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {amount}" for name, amount in value.items()) or "none"
    return str(value)
