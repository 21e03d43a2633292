"""What a snapshot's document is made of: sums before decay, and what they are multiplied by. Pure.

Between two polls nearly every number of a document moves, because decay moves them all; the sums
behind them stay as they are where nobody used anything. So the log tells sums: all of them now and
then, else only those that moved. Whoever reads makes the same document of them, byte for byte.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.usage.snapshot import seal_text

_HOUR: Final = 3600.0
_GIB: Final = 2.0**30
_NUMBER: Final = "%.9g"  # nine digits: the noise of additions in another order lies below
_PLAIN_BYTES: Final = 2000  # what is shorter stays readable for people
_LEVEL: Final = 1

Rows = Mapping[str, Sequence[float]]
"""Sums by name, one for each resource."""


@dataclass(frozen=True, slots=True)
class UsageContent:
    """A snapshot before decay is multiplied in.

    `head` are the document's fields but the columns; `scale` is what sums are multiplied by;
    `held` is the capacity times seconds of each resource whose capacity is known, summed likewise.
    """

    head: Mapping[str, object]  # JSON
    scale: float
    held: Mapping[str, float]
    resources: tuple[str, ...]
    groups: Mapping[str, Rows]


def document_of(content: UsageContent) -> tuple[str, str]:
    """Return the document that everybody reads, and its digest."""
    columns = ",".join(f'"{name}":{_columns(content, rows)}' for name, rows in _groups(content))
    return seal_text(f"{as_json(content.head)[:-1]},{columns}}}")


def hours_factor(resource: str, scale: float) -> float:
    """Return what makes resource-hours of a sum: of cores, cards, GiB, base units of others."""
    return scale / per_hour(resource)


def per_hour(resource: str) -> float:
    """Return how many base units times seconds an hour of the shown unit is."""
    return _HOUR * (_GIB if resource == "memory" else 1.0)


def numbers(column: Sequence[float]) -> str:
    """Return numbers as a document writes them. One format of all: five times as fast."""
    return ",".join([_NUMBER] * len(column)) % tuple(column)


def short(number: float) -> float:
    """Return a number as a document has it."""
    return float(_NUMBER % number)


def as_json(value: object) -> str:
    """Return JSON as a document writes it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def pack_content(content: UsageContent, gone: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return content as text; `gone` are the names that a change takes away."""
    text = as_json(
        {
            "head": content.head,
            "scale": content.scale,
            "held": content.held,
            "resources": content.resources,
            "groups": {
                name: {"names": list(rows), "sums": [n for row in rows.values() for n in row]}
                for name, rows in content.groups.items()
            },
            **({"gone": gone} if gone else {}),
        }
    )
    if len(text) <= _PLAIN_BYTES:
        return text
    return base64.b64encode(zlib.compress(text.encode(), _LEVEL)).decode()


def unpack_content(text: str, whole: UsageContent | None = None) -> UsageContent:
    """Return packed content; `whole` is what it changes, None when it stands by itself.

    Raises:
        UnreadableMessage: it is damaged.
    """
    try:
        found = json.loads(
            text if text.startswith("{") else zlib.decompress(base64.b64decode(text, validate=True))
        )
        resources = tuple(found["resources"])
        _check(whole is None or resources == whole.resources, "it changes other resources")
        gone = found.get("gone", {})
        groups = {
            name: _merged(
                whole.groups.get(name, {}) if whole else {},
                _rows(rows["names"], rows["sums"], len(resources)),
                gone.get(name, ()),
            )
            for name, rows in found["groups"].items()
        }
        return UsageContent(found["head"], float(found["scale"]), found["held"], resources, groups)
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error, binascii.Error) as error:
        raise UnreadableMessage("usage snapshot", repr(error)) from error


def _check(is_right: bool, problem: str) -> None:  # noqa: FBT001 - a condition
    if not is_right:
        raise ValueError(problem)


def _rows(names: Sequence[str], sums: Sequence[float], width: int) -> dict[str, Sequence[float]]:
    _check(len(sums) == len(names) * width, "there are not as many sums as names")
    return {name: sums[at * width : (at + 1) * width] for at, name in enumerate(names)}


def _merged(whole: Rows, changed: Rows, gone: Sequence[str]) -> Rows:
    if not whole:
        return changed
    merged = {**whole, **changed}
    for name in gone:
        del merged[name]
    return merged


def _groups(content: UsageContent) -> list[tuple[str, Rows]]:
    return list(content.groups.items())


def _columns(content: UsageContent, rows: Rows) -> str:
    names = sorted(rows)
    raw: list[str] = []
    normalized: list[str] = []
    for resource in sorted(content.resources):
        at = content.resources.index(resource)
        # A late end is taken back; what little may be left of it below zero is nothing.
        column = [max(rows[name][at], 0.0) + 0.0 for name in names]
        if not any(column):
            continue
        factor = hours_factor(resource, content.scale)
        known = content.held.get(resource)
        name = as_json(resource)
        raw.append(f"{name}:[{numbers([each * factor for each in column])}]")
        # The decay since the origin is in both, so it falls out.
        shares = [each / known for each in column] if known else [each * 0.0 for each in column]
        normalized.append(f"{name}:[{numbers(shares)}]")
    return (
        f'{{"names":{as_json(names)},'
        f'"raw_hours":{{{",".join(raw)}}},"normalized":{{{",".join(normalized)}}}}}'
    )
