"""Rows as columns, each distinct value written once. Small on disk, and equal values are one object when read."""

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final

Column = dict[str, Any]
_PROBE: Final = 1000  # a column whose first values are all different will hardly repeat later


def pack(values: Sequence[Any], to_json: Callable[[Any], Any] = lambda value: value) -> Column:
    """Return a column; values that repeat are kept once, in the order of their first use."""
    seen: dict[Hashable, int] = {}
    distinct: list[Any] = []
    indices: list[int] = []
    for value in values:
        plain = to_json(value)
        index = seen.setdefault(_key(plain), len(distinct))
        if index == len(distinct):
            distinct.append(plain)
        indices.append(index)
        if len(indices) == len(distinct) == _PROBE:
            break
    if len(indices) < len(values) or len(distinct) * 2 > max(len(values), 32):
        return {"all": [to_json(value) for value in values]}
    if len(distinct) == 1:
        return {"one": distinct[0], "count": len(values)}
    return {"distinct": distinct, "indices": indices}


def unpack(column: Column, from_json: Callable[[Any], Any] = lambda value: value) -> Iterable[Any]:
    """Yield the values of a column again; `from_json` is asked once for each distinct value."""
    if "all" in column:
        return map(from_json, column["all"])
    if "one" in column:
        return [from_json(column["one"])] * column["count"]
    distinct = [from_json(value) for value in column["distinct"]]
    return map(distinct.__getitem__, column["indices"])


def _key(plain: Any) -> Hashable:
    """Return something equal exactly for equal JSON: 1, 1.0 and True are equal values but other JSON."""
    if isinstance(plain, str | int | float | None):
        return (type(plain), plain)
    if isinstance(plain, dict) and all(type(v) in (str, int) for v in plain.values()):
        return tuple((name, type(v), v) for name, v in plain.items())
    return json.dumps(plain)
