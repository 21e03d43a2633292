"""The file of `--policy`: other rules, as YAML, in the words of `evenflow.yaml` and of fleets.

    scheduler: {policy: fairshare}
    fairness: {k_value: 0}
    queues:
      research: {weight: 3}
      research/train: {limit: {gpu: 4}}
    quotas:
      vision: {gpu: 2, max_concurrent_jobs: null}

What it does not name stays as it was recorded.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from evenflow.cli.display.problems import Misuse
from evenflow.common.contracts.yaml_text import read_yaml
from evenflow.common.runtime.settings import Settings
from evenflow.common.runtime.settings.problems import Problem, from_pydantic, shown, unknown_key
from evenflow.common.runtime.settings.sections.scheduling import BACKFILL_POLICY
from evenflow.common.runtime.settings.sources import snake
from evenflow.policy_engine.config import scheduler_settings
from evenflow.policy_engine.core.replay.rules import Rules
from evenflow.simulator.replay.rules.definition_fields import queue_fields, quota_fields
from evenflow.simulator.replay.rules.setting_fields import KEYS, SECTIONS, domain_fields, values_of

_TOP: Final = (*SECTIONS, "queues", "quotas")


class BadPolicy(Misuse):
    """A file of other rules cannot be used; `problems` are all findings."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        """`source` names the file."""
        super().__init__("\n".join((f"{source} cannot be used:", *map(str, problems))))
        self.problems = tuple(problems)


def read_rules(path: Path, policies: Mapping[str, object]) -> Rules:
    """Read other rules; `policies` are those that a queue may name.

    Raises:
        BadPolicy: the file cannot be read or is no such file, with everything that is wrong.
    """
    document = _document(path)
    problems = [unknown_key(key, _TOP, "") for key in document if key not in _TOP]
    settings: dict[str, Any] = {
        name: document[name] for name in SECTIONS if document.get(name) is not None
    }
    rules = Rules(
        settings=_settings(settings, policies, problems),
        queues={
            name: queue_fields(given, f"queues.{name}", policies, problems)
            for name, given in _by_path(document, "queues", problems)
        },
        quotas={
            name: quota_fields(given, f"quotas.{name}", problems)
            for name, given in _by_path(document, "quotas", problems)
        },
    )
    if not problems and rules.is_empty():
        rule = f"changes nothing; it may hold {', '.join(_TOP)}"
        problems.append(Problem("the file", "", rule))
    if problems:
        raise BadPolicy(str(path), problems)
    return rules


def check_queues(rules: Rules, known: frozenset[str], source: Path) -> None:
    """Refuse rules for queues that the past never had.

    Raises:
        BadPolicy: with each such queue.
    """
    problems = []
    for section, paths in (("queues", rules.queues), ("quotas", rules.quotas)):
        for path in paths:
            if path not in known:
                near = get_close_matches(path, sorted(known), n=3, cutoff=0.5)
                hint = f"did you mean {' or '.join(near)}?" if near else ", ".join(sorted(known))
                rule = f"is no queue of this past; {hint}"
                problems.append(Problem(f"{section}.{path}", "", rule))
    if problems:
        raise BadPolicy(str(source), problems)


def _document(path: Path) -> dict[str, Any]:
    try:
        found = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        rule = f"cannot be read: {error.strerror}"
        raise BadPolicy(str(path), [Problem("--policy", str(path), rule)]) from error
    except (yaml.YAMLError, ValueError) as error:
        told = " ".join(str(error).split())
        raise BadPolicy(str(path), [Problem("--policy", "", f"is not YAML: {told}")]) from error
    if not isinstance(found, dict):
        rule = f"must be a mapping of {', '.join(_TOP)}"
        raise BadPolicy(str(path), [Problem("the file", shown("", found), rule)])
    return {str(key): value for key, value in found.items()}


def _settings(
    given: dict[str, Any], policies: Mapping[str, object], problems: list[Problem]
) -> Mapping[str, object]:
    """Return fields of the cycle's settings."""
    tree: dict[str, Any] = {}
    keys: list[str] = []
    for key, value in _flat(given, ""):
        if key in SECTIONS:
            problems.append(Problem(key, shown(key, value), "is a section and takes keys"))
        elif key not in KEYS:
            section = f"{key.rpartition('.')[0]}."
            siblings = [k[len(section) :] for k in KEYS if k.startswith(section)]
            problems.append(unknown_key(key, siblings, ""))
        elif not domain_fields(key):
            rule = "is for the loop around cycles; no decision hangs on it"
            problems.append(Problem(key, shown(key, value), rule))
        else:
            keys.append(key)
            *sections, name = key.split(".")
            place = tree
            for section in sections:
                place = place.setdefault(section, {})
            place[name] = value
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        problems += from_pydantic(error, {})
        return {}
    if settings.scheduler.policy == BACKFILL_POLICY:
        keys.append("scheduler.backfill")  # it says both
    chosen = scheduler_settings(settings).policy
    if chosen not in policies:
        rule = f"is not installed here; there are {', '.join(sorted(policies))}"
        problems.append(Problem("scheduler.policy", chosen, rule))
    return values_of(settings, iter(keys))


def _flat(given: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        key = prefix + snake(str(name))
        is_section = isinstance(value, Mapping) and key not in KEYS
        if is_section and any(known.startswith(f"{key}.") for known in KEYS):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _by_path(
    document: dict[str, Any], section: str, problems: list[Problem]
) -> Iterator[tuple[str, dict[str, Any]]]:
    found = document.get(section)
    if found is None:
        return
    if not isinstance(found, dict):
        problems.append(Problem(section, shown("", found), "must map queues to what differs"))
        return
    for path, given in found.items():
        if isinstance(given, dict) and given:
            yield str(path), {str(key): value for key, value in given.items()}
        else:
            rule = "must map fields to their values"
            problems.append(Problem(f"{section}.{path}", shown("", given), rule))
