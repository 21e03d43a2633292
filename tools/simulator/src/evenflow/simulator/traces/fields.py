"""One mapping of a fleet file, read field by field; every error names field, value and rule."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from evenflow.common.domain.durations import parse_duration_us
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.nodes.labels import is_label_name, is_label_value
from evenflow.common.domain.resources import parse_amount

_LARGEST: Final = 10**9


class Fields:
    """Takes fields out of a mapping by name; `end` refuses what nobody took."""

    def __init__(self, found: object, where: str, *, known: Sequence[str]) -> None:
        """`where` leads to the mapping; None stands for an empty one.

        Raises:
            InvalidValue: it is no mapping, or has a key that is not known.
        """
        if found is None:
            found = {}
        if not isinstance(found, dict):
            raise InvalidValue(where, found, "must be a mapping")
        self.where = where
        self._found: Mapping[object, object] = found
        for key in found:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise InvalidValue(self.at(str(key)), found[key], f"is unknown; {hint}")

    def at(self, name: str) -> str:
        """Return the way to a field."""
        return f"{self.where}.{name}" if self.where else name

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._found.get(name) is not None

    def raw(self, name: str) -> object:
        """Return a field as it stands; None when it is not there."""
        return self._found.get(name)

    def need(self, *names: str) -> None:
        """Refuse a mapping in which one of the fields is missing."""
        for name in names:
            if not self.has(name):
                raise InvalidValue(self.at(name), None, "is missing")

    def text(self, name: str, default: str = "") -> str:
        """Return a text; numbers count as such."""
        value = self._found.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidValue(self.at(name), value, "must be a text")
        return str(value)

    def whole(self, name: str, default: int, *, least: int = 0, most: int = _LARGEST) -> int:
        """Return a whole number within bounds."""
        value = self._found.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidValue(self.at(name), value, f"must be a whole number, {least} to {most}")
        return value

    def number(self, name: str, default: float) -> float:
        """Return a finite number of at least 0."""
        value = self._found.get(name)
        if value is None:
            return default
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(value, int | float) or not is_number or not 0 <= value <= _LARGEST:
            raise InvalidValue(self.at(name), value, f"must be a number, 0 to {_LARGEST}")
        return float(value)

    def truth(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._found.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise InvalidValue(self.at(name), value, "must be true or false")
        return value

    def duration_us(self, name: str, *, least: int = 0) -> int | None:
        """Return a duration such as `1h30m`, or seconds, in microseconds; None: it is not there."""
        value = self._found.get(name)
        return None if value is None else duration_us(value, self.at(name), least=least)

    def amounts(self, name: str) -> dict[str, int] | None:
        """Return resources by name, in the units of `resources`; None: they are not there."""
        value = self._found.get(name)
        if value is None:
            return None
        return {
            resource: parse_amount(resource, amount, field=f"{self.at(name)}.{resource}")
            for resource, amount in self._texts(name, value).items()
        }

    def labels(self, name: str) -> dict[str, str]:
        """Return labels by name."""
        found: dict[str, str] = {}
        for label, value in self._texts(name, self._found.get(name) or {}).items():
            where = f"{self.at(name)}.{label}"
            if not is_label_name(label):
                raise InvalidValue(where, value, "is not named as a label may be, such as rack")
            if isinstance(value, bool | None) or not is_label_value(str(value)):
                raise InvalidValue(where, value, "must be a label's value, such as r1")
            found[label] = str(value)
        return found

    def items(self, name: str) -> list[object]:
        """Return the entries of a list; none when it is not there."""
        value = self._found.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise InvalidValue(self.at(name), value, "must be a list")
        return value

    def _texts(self, name: str, value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise InvalidValue(self.at(name), value, "must be a mapping")
        for key in value:
            if not isinstance(key, str):
                raise InvalidValue(self.at(name), key, "has a key that is no text")
        return value


def duration_us(value: object, where: str, *, least: int = 0) -> int:
    """Return a duration in microseconds; a bare number is seconds."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidValue(where, value, "must be a duration such as 90s, 1h30m or 2d")
    found = parse_duration_us(str(value), where)
    if found < least:
        raise InvalidValue(where, value, "must be above 0")
    return found
