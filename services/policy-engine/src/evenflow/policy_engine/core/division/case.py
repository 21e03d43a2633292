"""A division asked for in a file: its document read with every mistake named, then divided."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Final

from evenflow.common.domain.errors import InvalidValue
from evenflow.policy_engine.core.division.case_values import MOST, Problems, shown
from evenflow.policy_engine.core.division.kai import UNLIMITED
from evenflow.policy_engine.core.division.tree import Mode, TreeQueue, Wish, divide_tree

DEFAULT_K: Final = 1.0
MAX_QUEUES: Final = 10_000
MAX_RESOURCES: Final = 100
_HINTS: Final = 20  # a hint looks at every name, so not each of thousands of mistakes gets one
_KEYS: Final = ("total", "k_value", "queues")
_QUEUE_KEYS: Final = ("name", "parent", "priority", "created", "resources")
_WISH_KEYS: Final = ("deserved", "limit", "over_quota_weight", "weight", "request", "usage")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BadCase(InvalidValue):
    """A document is no case; the message has a line for each thing that is wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        """`problems` each say where, what and which rule."""
        super().__init__("case", None, problems[0])
        wrong = f"{len(problems)} things are wrong" if len(problems) > 1 else "one thing is wrong"
        self.args = ("\n".join((f"the case cannot be divided; {wrong}", *problems)),)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class DividedCase:
    """A case as it was read, and how it is divided."""

    total: Mapping[str, float]
    queues: Sequence[TreeQueue]
    k: float
    shares: Mapping[str, Mapping[str, float]]
    remaining: Mapping[str, float]


def divide_case(
    document: object, *, mode: str = "corrected", k: float | None = None, whole_units: bool = False
) -> DividedCase:
    """Divide what a document says; `k` beats its `k_value`, which beats 1.

    Raises:
        BadCase: with everything that is wrong with the document, or with `mode` and `k`.
    """
    problems = Problems()
    known = [each.value for each in Mode]
    if mode not in known:
        problems.wrong("--mode", mode, f"must be one of {', '.join(known)}")
    given = None if k is None else problems.number("--k", k)
    total, file_k, queues = _read(document, problems)
    if problems.found:
        raise BadCase(problems.found)
    chosen = given if given is not None else file_k if file_k is not None else DEFAULT_K
    unit = 1.0 if whole_units else 0.0
    divided = divide_tree(total, queues, mode=Mode(mode), k=chosen, unit=unit)
    return DividedCase(total, queues, chosen, divided.shares, divided.remaining)


class FairShareCore:
    """What the command line finds under `evenflow.cores`, without knowing this service."""

    name: Final = "fairshare"
    divide = staticmethod(divide_case)


FAIR_SHARE: Final = FairShareCore()


def _read(
    document: object, problems: Problems
) -> tuple[dict[str, float], float | None, list[TreeQueue]]:
    if document is None:
        problems.found.append("it is empty; it needs `total` and `queues`")
        return {}, None, []
    root = problems.mapping("the case", document)
    _unknown(problems, "the case", root, _KEYS)
    if not isinstance(document, Mapping):
        return {}, None, []
    total: dict[str, float] = {}
    for name, amount in problems.mapping("total", root.get("total")).items():
        total[name] = problems.number(f"total.{name}", amount)
    if root.get("total") == {}:
        problems.found.append("total: it is empty; it needs a resource, as gpu: 8")
    if len(total) > MAX_RESOURCES:
        problems.found.append(f"total: has more than {MAX_RESOURCES} resources")
    k = root.get("k_value")
    file_k = None if k is None else problems.number("k_value", k)
    listed = root.get("queues")
    if not isinstance(listed, list):
        problems.wrong("queues", listed, "must be a list of queues")
        return total, file_k, []
    if len(listed) > MAX_QUEUES:
        problems.found.append(f"queues: there are more than {MAX_QUEUES} of them")
        return total, file_k, []
    queues = [_queue(problems, i, each, total) for i, each in enumerate(listed)]
    _family(problems, queues)
    return total, file_k, queues


def _queue(
    problems: Problems, index: int, document: object, total: Mapping[str, float]
) -> TreeQueue:
    said = problems.mapping(f"queues[{index}]", document)
    is_one = isinstance(document, Mapping)
    name = problems.name(f"queues[{index}].name", said.get("name")) if is_one else ""
    place = f"queue {name}" if name else f"queues[{index}]"
    _unknown(problems, place, said, _QUEUE_KEYS)
    parent = said.get("parent")
    wishes: dict[str, Wish] = {}
    resources = said.get("resources")
    for resource, wish in problems.mapping(
        f"{place}: resources", {} if resources is None else resources
    ).items():
        where = f"{place}: {resource}"
        if resource not in total:
            known = ", ".join(total) or "nothing"
            problems.found.append(f"{where}: is not in total, which has {known}")
        wishes[resource] = _wish(problems, where, wish)
    return TreeQueue(
        name=name,
        parent=None
        if parent is None or parent == ""
        else problems.name(f"{place}: parent", parent) or None,
        priority=problems.whole(f"{place}: priority", said.get("priority")),
        created=_created(problems, f"{place}: created", said.get("created")),
        wishes=wishes,
    )


def _wish(problems: Problems, place: str, document: object) -> Wish:
    said = problems.mapping(place, document)
    _unknown(problems, place, said, _WISH_KEYS)
    if "weight" in said and "over_quota_weight" in said:
        problems.found.append(f"{place}: weight and over_quota_weight are the same; give one")
    weight = said.get("over_quota_weight", said.get("weight"))
    request, usage = said.get("request"), said.get("usage")
    return Wish(
        deserved=_limited(problems, f"{place}.deserved", said.get("deserved"), absent=0.0),
        limit=_limited(problems, f"{place}.limit", said.get("limit"), absent=UNLIMITED),
        request=None if request is None else problems.number(f"{place}.request", request),
        weight=1.0 if weight is None else problems.number(f"{place}.over_quota_weight", weight),
        usage=0.0 if usage is None else problems.number(f"{place}.usage", usage),
    )


def _limited(problems: Problems, place: str, value: object, *, absent: float) -> float:
    """Read an amount where -1 says unlimited."""
    if value is None:
        return absent
    if not isinstance(value, bool) and value == UNLIMITED:
        return UNLIMITED
    return problems.number(place, value, "must be a number of 0 or more, or -1 for unlimited")


def _created(problems: Problems, place: str, value: object) -> int:
    """Read when a queue was made, as a number that grows with time."""
    if value is None:
        return 0
    if isinstance(value, str):
        text = value
        with suppress(ValueError):  # what stays text is told below
            value = float(text)
        with suppress(ValueError):
            value = datetime.fromisoformat(text)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST:
        return round(value * 1_000_000)  # seconds, as instants below in microseconds
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime):
        since = (value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    problems.wrong(place, value, "must be seconds or a date as 2026-01-31T12:00:00Z")
    return 0


def _family(problems: Problems, queues: Sequence[TreeQueue]) -> None:
    """Names are unique, parents exist, and nobody is its own ancestor."""
    parents: dict[str, str | None] = {}
    for queue in queues:
        if queue.name in parents and queue.name:
            problems.found.append(f"queue {queue.name}: the name is taken by another queue")
        parents.setdefault(queue.name, queue.parent)
    for queue in queues:
        if queue.parent is not None and queue.parent not in parents:
            names = [name for name in parents if name] if len(problems.found) < _HINTS else []
            near = get_close_matches(queue.parent, names, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            problems.wrong(f"queue {queue.name}: parent", queue.parent, f"is no queue{hint}")
    clear: dict[str, None] = {}
    for name in parents:
        path: dict[str, None] = {}
        at: str | None = name
        while at is not None and at in parents and at not in clear and at not in path:
            path[at] = None
            at = parents[at]
        if at is not None and at in path:
            walked = list(path)
            circle = [*walked[walked.index(at) :], at]
            problems.found.append(f"queue {at}: parents form a cycle: {' -> '.join(circle)}")
        clear.update(path)


def _unknown(
    problems: Problems, place: str, said: Mapping[str, object], known: Sequence[str]
) -> None:
    for key in said:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            problems.found.append(f"{place}: {shown(key)} is no field of it; {hint}")
