"""YAML that others wrote, read with bounds: what a short text may stand for, how deep, how long.

Looked at as a stream of events before anything is built of it, so that a refusal costs
milliseconds. A number of base 60 (`1:30`) is text here, as in YAML 1.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

MAX_NODES: Final = 200_000
MAX_DEPTH: Final = 64
MAX_SCALAR: Final = 1_000_000  # characters
MAX_NUMBER: Final = 100  # characters

_BASE: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT: Final = "tag:yaml.org,2002:int"
_FLOAT: Final = "tag:yaml.org,2002:float"


def read_yaml(text: str | bytes, *, max_nodes: int = MAX_NODES) -> Any:
    """Return the one document of a text; None when it is empty.

    Args:
        text: the YAML.
        max_nodes: how many values it may stand for, aliases written out.

    Raises:
        yaml.YAMLError: it is no YAML, or stands for more than is read here.
    """
    check_yaml(text, max_nodes=max_nodes)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with fewer numbers


def check_yaml(text: str | bytes, *, max_nodes: int = MAX_NODES) -> None:
    """Refuse what is out of bounds, without building it; raises as `read_yaml`."""
    _Bounds(max_nodes).check(yaml.parse(text, Loader=_BASE))


@dataclass(slots=True)
class _Open:
    """A mapping or a list whose end has not come."""

    anchor: str | None
    before: int
    keys: dict[str, int] | None
    is_key_next: bool = True


@dataclass(slots=True)
class _Bounds:
    max_nodes: int
    nodes: int = 0
    open: list[_Open] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def check(self, events: Iterable[Any]) -> None:
        """Look at every event; raises as `read_yaml`."""
        for event in events:
            if isinstance(event, yaml.CollectionEndEvent):
                self._end()
            elif isinstance(event, yaml.NodeEvent):
                self._node(event)

    def _node(self, event: Any) -> None:
        before = self.nodes
        text: str | None = None
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.sizes:
                raise _refused(event, f"*{str(event.anchor)[:60]} stands before its anchor's end")
            self._count(event, self.sizes[event.anchor])
        else:
            self._count(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            text = event.value
            if len(event.value) > MAX_SCALAR:
                raise _refused(event, f"a value is longer than {MAX_SCALAR} characters")
            if event.anchor is not None:
                self.sizes[event.anchor] = 1
        self._place(event, text)
        if isinstance(event, yaml.CollectionStartEvent):
            keys: dict[str, int] | None = {} if isinstance(event, yaml.MappingStartEvent) else None
            self.open.append(_Open(event.anchor, before, keys))
            if len(self.open) > MAX_DEPTH:
                raise _refused(event, f"it is nested deeper than {MAX_DEPTH} levels")

    def _end(self) -> None:
        ended = self.open.pop()
        if ended.anchor is not None:
            self.sizes[ended.anchor] = self.nodes - ended.before

    def _count(self, event: Any, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > self.max_nodes:
            rule = f"it stands for more than {self.max_nodes} values, aliases written out"
            raise _refused(event, rule)

    def _place(self, event: Any, text: str | None) -> None:
        """Note a value where it stands: a key must not stand twice in one mapping."""
        if not self.open or (parent := self.open[-1]).keys is None:
            return
        if parent.is_key_next and text is not None:
            if text in parent.keys:
                raise _refused(event, f"{text[:60]!r} stands on line {parent.keys[text]} already")
            parent.keys[text] = event.start_mark.line + 1
        parent.is_key_next = not parent.is_key_next


class _Loader(_BASE):  # type: ignore[misc]
    """Reads what SafeLoader reads, but for numbers of base 60 and of very many digits."""


def _number(loader: Any, node: yaml.ScalarNode) -> Any:
    if ":" in node.value:
        return node.value
    if len(node.value) > MAX_NUMBER:
        raise _refused(node, f"a number is longer than {MAX_NUMBER} characters")
    if node.tag == _INT:
        return loader.construct_yaml_int(node)
    return loader.construct_yaml_float(node)


_Loader.add_constructor(_INT, _number)
_Loader.add_constructor(_FLOAT, _number)


def _refused(node: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
