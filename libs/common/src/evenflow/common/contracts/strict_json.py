"""JSON of requests, read strictly: how deep, how many values, how long numbers are.

Looked at before anything is built of it. Stricter than `json`: no `NaN`, no `Infinity` and no
number that becomes one, no key twice in an object, UTF-8 alone. A refusal names the place.
"""

import json
import math
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 2_000_000
MAX_NUMBER: Final = 100  # characters

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?+', re.DOTALL)
_LONG_NUMBER: Final = re.compile(rb"[-+.0-9eE]{%d}" % (MAX_NUMBER + 1))
_WORD: Final = re.compile(rb"NaN|Infinity")
_TOKEN: Final = re.compile(
    rb'"(?:[^"\\]|\\.)*+"?+|[\[\]{}]|[-+.0-9eE]{%d}|NaN|-?Infinity' % (MAX_NUMBER + 1), re.DOTALL
)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SEARCHED: Final = 1_000_000  # bytes in which the place of what is refused is looked for


class BadJson(ValueError):
    """It is no JSON, or more than is read here; says where."""


def read_strict_json(body: bytes) -> Any:
    """Return what a text of JSON stands for.

    Raises:
        BadJson: it is none, is out of bounds, or says a key twice.
    """
    _check_bounds(body)
    try:
        text = body.decode()
        return json.loads(
            text, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refused
        )
    except UnicodeDecodeError as error:
        raise BadJson(f"is no UTF-8 at {_place(body, error.start)}") from error
    except _Twice as error:
        where = next(_twice_in(json.loads(text, object_pairs_hook=_Pairs), ""), error.key)
        raise BadJson(f"says {_shown(where)} twice") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadJson(f"breaks off or goes on wrongly at {where}: {error.msg}") from error


def _check_bounds(body: bytes) -> None:
    rest = _STRING.sub(b"", body)
    brackets = rest.translate(None, _NO_BRACKETS)
    if rest.count(b",") + len(brackets) > MAX_VALUES:
        raise BadJson(f"holds more than {MAX_VALUES} values")
    is_deep = len(brackets) > MAX_DEPTH and _depth(brackets) > MAX_DEPTH
    if is_deep or _LONG_NUMBER.search(rest) or _WORD.search(rest):
        raise BadJson(_why(body))


def _depth(brackets: bytes) -> int:
    deepest = 0
    for depth in accumulate(map(_STEP.__getitem__, brackets)):
        if depth > deepest:
            deepest = depth
            if deepest > MAX_DEPTH:
                break
    return deepest


def _why(body: bytes) -> str:
    """Return what is out of bounds first, and where."""
    depth = 0
    for match in _TOKEN.finditer(body, 0, _SEARCHED):
        token = match[0]
        if token in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return f"nests deeper than {MAX_DEPTH} at {_place(body, match.start())}"
        elif token in b"]}":
            depth -= 1
        elif token.endswith((b"NaN", b"Infinity")):
            return f"has {token.decode()} at {_place(body, match.start())}, which is no JSON"
        elif not token.startswith(b'"'):
            return f"has a number of over {MAX_NUMBER} characters at {_place(body, match.start())}"
    return (
        f"nests deeper than {MAX_DEPTH}, or has a number of over {MAX_NUMBER} characters, NaN or "
        f"Infinity, after its first {_SEARCHED} bytes"
    )


def _place(body: bytes, position: int) -> str:
    line = body.count(b"\n", 0, position) + 1
    column = position - body.rfind(b"\n", 0, position)
    return f"line {line} column {column}"


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BadJson(f"has the number {text[:40]}, which is too large")
    return value


def _refused(word: str) -> None:
    raise BadJson(f"has {word}, which is no JSON")


class _Twice(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)
    return found


def _twice_in(value: Any, path: str) -> Iterator[str]:
    """Yield the paths of keys that stand twice."""
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, inner in value:
            here = f"{path}.{key}" if path else key
            if key in seen:
                yield here
            seen.add(key)
            yield from _twice_in(inner, here)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _twice_in(inner, f"{path}.{index}" if path else str(index))


def _shown(text: str) -> str:
    return repr(text[-200:].encode(errors="replace").decode())
