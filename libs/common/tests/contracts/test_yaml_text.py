"""YAML with bounds: what a short text may stand for, and how long a refusal takes."""

import time

import pytest
import yaml

from evenflow.common.contracts.yaml_text import check_yaml, read_yaml


def _aliases(levels: int, width: int = 9) -> str:
    text = "a0: &a0 [" + ",".join("x" * width) + "]\n"
    for level in range(1, levels):
        text += f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * width) + "]\n"
    return text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (_aliases(9), "more than 200000 values"),
        ("[" * 5000, "nested deeper than 64"),
        ("{a: " * 5000, "nested deeper than 64"),
        ("[" + "{a: b}," * 100_000 + "]", "more than 200000 values"),
        ("a: " + "1" * 5000, "longer than 100 characters"),
        ("a: " + "x" * 1_000_001, "longer than 1000000"),
        ("a: 1\na: 2\n", "stands on line 1 already"),
        ("a: &a [*a]\n", "before its anchor's end"),
        ("!!python/object/apply:os.system [id]", "could not determine a constructor"),
    ],
    ids=["billion laughs", "lists", "maps", "nodes", "digits", "long", "twice", "itself", "python"],
)
def test_refused(text: str, rule: str) -> None:
    began = time.process_time()
    with pytest.raises(yaml.YAMLError, match=rule):
        read_yaml(text)
    assert time.process_time() - began < 3


def test_base_60_is_text() -> None:
    text = "1" + ":1" * 60_000
    began = time.process_time()
    assert read_yaml(f"a: {text}\nb: 1:30\nc: 1:30.5\nd: 12\ne: 1.5") == {
        "a": text,
        "b": "1:30",
        "c": "1:30.5",
        "d": 12,
        "e": 1.5,
    }
    assert time.process_time() - began < 1


def test_honest_text() -> None:
    assert read_yaml("a: &x {b: 1}\nc: *x\nd: [1, 2]") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": [1, 2],
    }
    assert read_yaml("") is None
    check_yaml(b"{a: {a: {a: 1}}, b: [{a: 1}, {a: 1}]}")
