"""Values out of a document somebody wrote: each is read, or named with the rule it breaks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 1e18
"""Larger numbers are a mistake, and their sums would leave what floats can hold."""

_LONGEST: Final = 200
_SHOWN: Final = 60
_ITEMS: Final = 3
_NUMBER: Final = "must be a number of 0 or more"
_EXPONENT: Final = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
"""What YAML takes for text and everybody else for a number: 1e3."""


def shown(value: object, *, is_inner: bool = False) -> str:
    """Return a value as a message shows it: in bounded space, whatever it stands for."""
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}…"
    if isinstance(value, int) and abs(value) > MOST:
        return f"a number of {value.bit_length()} bits"  # Python refuses to print thousands
    if isinstance(value, Mapping):
        return "{…}" if is_inner else "a mapping"
    if isinstance(value, list | tuple | set | bytes):
        if is_inner or not isinstance(value, list):
            return "[…]"
        rest = ["…"] if len(value) > _ITEMS else []
        return f"[{', '.join([*(shown(x, is_inner=True) for x in value[:_ITEMS]), *rest])}]"
    return repr(value)


def is_name(value: object) -> bool:
    """Tell whether this is text that names something and can be printed on one line."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST
        and value.isprintable()
        and not value.isspace()
    )


@dataclass(slots=True)
class Problems:
    """Reads values; what cannot be read is found here, all of it, and a harmless value returned."""

    found: list[str] = field(default_factory=list)

    def wrong(self, place: str, value: object, rule: str) -> None:
        """Add a value that breaks a rule."""
        self.found.append(f"{place}: {shown(value)} {rule}")

    def number(self, place: str, value: object, rule: str = _NUMBER) -> float:
        """Read a finite number of 0 or more."""
        if isinstance(value, str) and _EXPONENT.fullmatch(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            self.wrong(place, value, rule)
        elif value > MOST:
            self.wrong(place, value, f"must be at most {MOST:g}")
        else:
            return float(value) + 0.0  # -0.0 becomes 0.0
        return 0.0

    def whole(self, place: str, value: object) -> int:
        """Read a whole number of either sign; none is 0."""
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(place, value, "must be a whole number")
        elif abs(value) > MOST:
            self.wrong(place, value, f"must be at most {MOST:g} from 0")
        else:
            return value
        return 0

    def name(self, place: str, value: object) -> str:
        """Read a name; a whole number is one, since YAML reads `name: 1` so."""
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST:
            return str(value)
        if isinstance(value, str) and is_name(value):
            return value
        self.wrong(place, value, f"must be a name: printable, 1 to {_LONGEST} characters")
        return ""

    def mapping(self, place: str, value: object) -> dict[str, object]:
        """Read a mapping by names."""
        if not isinstance(value, Mapping):
            self.wrong(place, value, "must be a mapping")
            return {}
        for key in value:
            if not is_name(key):
                self.wrong(place, key, "must be printable text, as every key")
        return {key: each for key, each in value.items() if isinstance(key, str) and is_name(key)}
