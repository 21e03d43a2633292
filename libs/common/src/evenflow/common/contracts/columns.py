"""Rows as columns, each distinct value written once. Small on disk, and equal values are one object when read."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Column = dict[str, Any]


def pack(values: Sequence[Any], to_json: Callable[[Any], Any] = lambda value: value) -> Column:
    """Return a column; values that repeat are kept once, in the order of their first use."""
    seen: dict[Any, int] = {}
    distinct: list[Any] = []
    indices: list[int] = []
    most = max(16, len(values) // 2)
    for value in values:
        plain = to_json(value)
        key = plain if isinstance(plain, str | int | float | None) else json.dumps(plain)
        # 1, 1.0 and True are equal keys but not equal JSON.
        index = seen.setdefault((type(plain), key), len(distinct))
        if index == len(distinct):
            distinct.append(plain)
            if len(distinct) > most:
                return {"all": [to_json(value) for value in values]}
        indices.append(index)
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
