"""JSON with bounds: what is refused, where it stands, and what it costs to find out."""

import json
import time

import pytest

from evenflow.common.contracts.strict_json import MAX_DEPTH, MAX_VALUES, BadJson, read_strict_json


@pytest.mark.parametrize(
    "value",
    [{}, [], 1, 1.5e3, "x", None, True,
     {"a": {"b": [1, {"c": "NaN Infinity [[{{"}]}}, '\\"[', "é\n"],
)  # fmt: skip
def test_honest_json_is_read_as_it_is(value: object) -> None:
    assert read_strict_json(json.dumps(value).encode()) == value


def test_texts_may_hold_what_is_refused_outside_of_them() -> None:
    document = {"a": "[" * 1000, "b": "1" * 1000, "c": "NaN, -Infinity", 'k"': "\\"}
    assert read_strict_json(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"a": NaN}', "has NaN at line 1 column 7"),
        (b'{\n "a":\n  -Infinity}', "has -Infinity at line 3 column 3"),
        (b'{"a": 1e999}', "has the number 1e999, which is too large"),
        (b'{"a": ' + b"1" * 400 + b"}", "a number of over 100 characters at line 1 column 7"),
        (b'{"a": 0.' + b"1" * 400 + b"}", "a number of over 100 characters"),
        (b"[" * 65 + b"]" * 65, "nests deeper than 64 at line 1 column 65"),
        (b"[" * 1_000_000, "nests deeper than 64 at line 1 column 65"),
        (b'{"a":' * 100_000, "nests deeper than 64"),
        (b'{"a": 1, "a": 2}', "says 'a' twice"),
        (b'{"jobs": [{}, {"env": {"X": 1, "X": 1}}]}', "says 'jobs.1.env.X' twice"),
        (b'{"a": "\xff"}', "is no UTF-8 at line 1 column 8"),
        (b'{"a": 1', "at line 1 column 8"),
        (b'{"a": "x', "at line 1 column 7"),
        (b"", "line 1 column 1"),
        ('{"a": 1}'.encode("utf-16"), "is no UTF-8"),
    ],
)
def test_what_is_refused_says_where(body: bytes, told: str) -> None:
    with pytest.raises(BadJson) as caught:
        read_strict_json(body)
    assert told in str(caught.value)


def test_as_deep_as_it_may_be_is_read() -> None:
    assert read_strict_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize(
    "body",
    [b"[" + b"[]," * MAX_VALUES + b"1]", b"[" + b"1," * (MAX_VALUES + 1) + b"1]", b'"' * 4_000_000,
     b'["' + b"\\" * 8_000_000, b"[" * 8_000_000 + b"]" * 8_000_000],
    ids=["lists", "numbers", "quotes", "backslashes", "depth"],
)  # fmt: skip
def test_a_refusal_costs_less_than_a_second(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(BadJson):
        read_strict_json(body)
    assert time.process_time() - began < 1
