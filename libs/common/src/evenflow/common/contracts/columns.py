"""Rows as columns, each distinct value once: small on disk, and one object each when read."""

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final

Column = dict[str, Any]
_NOTHING: Final = type(None)


def pack(values: Sequence[Any], to_json: Callable[[Any], Any] = lambda value: value) -> Column:
    """Return a column; values that repeat are kept once, in the order of their first use."""
    keys = values if _are_their_own_keys(values) else [_key(to_json(value)) for value in values]
    first = dict(zip(reversed(keys), reversed(values), strict=True))  # a key to its first value
    if len(first) == 1:
        return {"one": to_json(values[0]), "count": len(values)}
    if len(first) * 2 > len(values):
        return {"all": [to_json(value) for value in values]}
    distinct = dict.fromkeys(keys)
    place = {key: index for index, key in enumerate(distinct)}
    return {
        "distinct": [to_json(first[key]) for key in distinct],
        "indices": [place[key] for key in keys],
    }


def unpack(column: Column, from_json: Callable[[Any], Any] = lambda value: value) -> Iterable[Any]:
    """Yield the values of a column again; `from_json` is asked once for each distinct value."""
    if "all" in column:
        return map(from_json, column["all"])
    if "one" in column:
        return [from_json(column["one"])] * column["count"]
    distinct = [from_json(value) for value in column["distinct"]]
    return map(distinct.__getitem__, column["indices"])


def _are_their_own_keys(values: Sequence[Any]) -> bool:
    """Whether equal values are equal JSON: not for 1, 1.0 and True, nor for 0.0 and -0.0."""
    types = set(map(type, values))
    return types <= {str, _NOTHING} or (
        len(types - {_NOTHING}) == 1 and types <= {int, bool, _NOTHING}
    )


def _key(plain: Any) -> Hashable:
    """Return something equal exactly for equal JSON."""
    if isinstance(plain, dict) and all(type(v) in (str, int) for v in plain.values()):
        return tuple((name, type(v), v) for name, v in plain.items())
    return json.dumps(plain)
