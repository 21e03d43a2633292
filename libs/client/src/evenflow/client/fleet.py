"""A fleet file: the tree of queues as YAML, read into the flat list that a gateway applies. Pure.

    queues:
      research: {weight: 3, max_concurrent_jobs: null, quota: {cpu: 8, gpu: 2}}
      production:
        weight: 2
        queues:
          batch: {priority: 5, limit: {memory: 64Gi}}

Whether values make sense is the gateway's to say; here is said where in the file they stand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import yaml

from evenflow.client.errors import ApiProblem, BadFleet
from evenflow.common.contracts.yaml_text import check_yaml
from evenflow.common.domain.queues.queue import MAX_DEPTH

MAX_QUEUES: Final = 10_000
_QUEUE_KEYS: Final = (
    "description",
    "priority",
    "weight",
    "deserved",
    "limit",
    "max_concurrent_jobs",
    "enabled",
    "policy",
    "target_wait_seconds",
    "quota",
    "queues",
)
_QUOTA_KEYS: Final = (
    "cpu",
    "memory",
    "gpu",
    "max_concurrent_jobs",
    "max_training_jobs",
    "max_inference_jobs",
    "max_workflow_jobs",
    "gpu_hours",
    "period",
    "enforce",
)


@dataclass(slots=True)
class Fleet:
    """Queues by path, parents first, and the line of the file where each field stands."""

    queues: list[dict[str, Any]] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    source: str = "the fleet"

    def located(self, problem: ApiProblem) -> BadFleet | ApiProblem:
        """Return what a gateway refused, with lines of the file where it can be told."""
        found = []
        for rule in problem.errors:
            place = rule.field.removeprefix("queues.")
            line = self._line_of(place)
            if line is None:
                return problem
            found.append(f"line {line}: {place} = {rule.value!r}: {rule.rule}")
        return BadFleet(self.source, found) if found else problem

    def _line_of(self, place: str) -> int | None:
        while place:
            if place in self.lines:
                return self.lines[place]
            place = place.rpartition(".")[0]
        return None


def read_fleet(text: str, source: str) -> Fleet:
    """Read a fleet file.

    Args:
        text: the YAML.
        source: its name, for errors.

    Raises:
        BadFleet: with everything that is no fleet, each with its line.
    """
    loader = yaml.SafeLoader(text)
    try:
        check_yaml(text)
        root = loader.get_single_node()
        reader = _Reader(loader, Fleet(source=source))
        reader.root(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        told = ", ".join(part for part in (error.context, error.problem) if part)
        raise BadFleet(source, [f"{where}not YAML: {told}"]) from error
    except (yaml.YAMLError, ValueError) as error:
        raise BadFleet(source, [f"not YAML: {' '.join(str(error).split())}"]) from error
    finally:
        loader.dispose()
    if reader.problems:
        raise BadFleet(source, reader.problems)
    return reader.fleet


class _Reader:
    def __init__(self, loader: yaml.SafeLoader, fleet: Fleet) -> None:
        self._loader = loader
        self.fleet = fleet
        self.problems: list[str] = []

    def root(self, node: yaml.Node | None) -> None:
        if node is None:
            self.problems.append("it is empty; it must map `queues` to the tree of queues")
            return
        for key, value in self._pairs(node, ("queues",), "the file"):
            if key == "queues":
                self._queues(value, "")

    def _queues(self, node: yaml.Node, parent: str) -> None:
        if parent.count("/") + 1 >= MAX_DEPTH and parent:
            self._wrong(node, f"{parent}: the tree is deeper than {MAX_DEPTH} levels")
            return
        for name, value in self._pairs(node, None, f"queues of {parent}" if parent else "queues"):
            if len(self.fleet.queues) >= MAX_QUEUES:
                self._wrong(node, f"there are more than {MAX_QUEUES} queues")
                return
            self._queue(value, f"{parent}/{name}" if parent else name)

    def _queue(self, node: yaml.Node, path: str) -> None:
        queue: dict[str, Any] = {"path": path}
        self.fleet.queues.append(queue)
        self.fleet.lines[path] = node.start_mark.line + 1
        if _is_null(node):
            return  # `research:` alone is a queue with nothing said about it
        below = None
        for key, value in self._pairs(node, _QUEUE_KEYS, f"queue {path}"):
            self.fleet.lines[f"{path}.{key}"] = value.start_mark.line + 1
            if key == "queues":
                below = value
            elif key == "quota" and isinstance(value, yaml.MappingNode):
                queue[key] = self._quota(value, path)
            else:
                queue[key] = self._value(value)
        if below is not None and not _is_null(below):
            self._queues(below, path)

    def _quota(self, node: yaml.Node, path: str) -> dict[str, Any]:
        quota = {}
        for key, value in self._pairs(node, None, f"quota of {path}"):
            # Any resource may have a quota, and names of resources have no underscore.
            near = get_close_matches(key, _QUOTA_KEYS, n=1, cutoff=0.75)
            if key not in _QUOTA_KEYS and ("_" in key or near):
                self._unknown(value, key, _QUOTA_KEYS, f"quota of {path}")
            self.fleet.lines[f"{path}.quota.{key}"] = value.start_mark.line + 1
            quota[key] = self._value(value)
        return quota

    def _pairs(
        self, node: yaml.Node, known: Iterable[str] | None, where: str
    ) -> Iterable[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            kind = "a list" if isinstance(node, yaml.SequenceNode) else f"{node.value!r}"
            self._wrong(node, f"{where} must be a mapping, not {kind}")
            return
        seen: dict[str, int] = {}
        for key_node, value in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in seen:
                self._wrong(key_node, f"{where}: {key!r} stands on line {seen[key]} already")
            elif known is not None and key not in known:
                self._unknown(key_node, key, known, where)
            else:
                seen[key] = line
                yield key, value

    def _value(self, node: yaml.Node) -> Any:
        return self._loader.construct_object(node, deep=True)

    def _unknown(self, node: yaml.Node, key: str, known: Iterable[str], where: str) -> None:
        near = get_close_matches(key, list(known), n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
        self._wrong(node, f"{where}: {key!r} is unknown; {hint}")

    def _wrong(self, node: yaml.Node, rule: str) -> None:
        self.problems.append(f"line {node.start_mark.line + 1}: {rule}")


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def as_fleet(queues: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return queues given by path as a fleet, for programs."""
    return [{"path": path, **fields} for path, fields in queues.items()]
