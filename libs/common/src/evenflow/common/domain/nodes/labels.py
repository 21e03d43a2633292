"""What labels and taints may look like: names that any cluster would take. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from evenflow.common.domain.errors import InvalidValue

MAX_LABELS: Final = 200  # that operators give one node
SHOWN: Final = 80  # characters of a wrong name or value that are told
_PART: Final = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_NAME: Final = re.compile(rf"([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_PART}")
_VALUE: Final = re.compile(rf"({_PART})?")
NAME_RULE: Final = (
    "must be a label's name: 1 to 63 letters, digits, '-', '_', '.', beginning and ending with a "
    "letter or digit, such as rack or example.com/rack"
)
VALUE_RULE: Final = (
    "must be a label's value: at most 63 letters, digits, '-', '_', '.', beginning and ending with "
    "a letter or digit"
)


def is_label_name(text: str) -> bool:
    """Whether a label, a taint or a level may be named so."""
    return _NAME.fullmatch(text) is not None


def is_label_value(text: str) -> bool:
    """Whether a label or a taint may have this value; it may be empty."""
    return _VALUE.fullmatch(text) is not None


def broken_labels(labels: Mapping[str, str | None], where: str) -> Iterator[InvalidValue]:
    """Yield what is wrong with labels or taints by name; None takes one away."""
    if len(labels) > MAX_LABELS:
        yield InvalidValue(where, f"{len(labels)} names", f"must be at most {MAX_LABELS}")
        return
    for name, value in labels.items():
        yield from broken_pair(where, name, value)


def broken_pair(where: str, name: str, value: str | None) -> Iterator[InvalidValue]:
    """Yield what is wrong with one label or taint; a value of None is not looked at."""
    if not is_label_name(name):
        yield InvalidValue(where, name[:SHOWN], NAME_RULE)
    elif value is not None and not is_label_value(value):
        yield InvalidValue(f"{where}.{name}", value[:SHOWN], VALUE_RULE)
