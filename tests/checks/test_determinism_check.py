"""The determinism check finds each thing it forbids, and nothing in code that keeps the rules."""

import textwrap

import pytest

from tools.checks.determinism import check, checked_files


def rules(source: str, **others: str) -> list[str]:
    """Check a module, beside others that it uses; return the broken rules of the module."""
    sources = {"planted": textwrap.dedent(source)}
    sources |= {name: textwrap.dedent(text) for name, text in others.items()}
    return [finding.rule for finding in check(sources).get("planted", [])]


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        pytest.param("import time", "import", id="a clock"),
        pytest.param("from time import monotonic", "import", id="a clock by name"),
        pytest.param("import os", "import", id="the environment"),
        pytest.param("import random", "import", id="chance"),
        pytest.param("import statistics", "import", id="float sums of another module"),
        pytest.param("import asyncio", "import", id="an event loop"),
        pytest.param(
            "from datetime import datetime\nat = datetime.now()", "time", id="datetime.now"
        ),
        pytest.param("import datetime\nat = datetime.datetime.now()", "time", id="and by module"),
        pytest.param("from uuid import uuid4", "chance", id="uuid4 by name"),
        pytest.param("import uuid\nname = uuid.uuid4()", "chance", id="uuid.uuid4"),
        pytest.param("text = open('f')", "input", id="open"),
        pytest.param("print('x')", "input", id="print"),
        pytest.param("key = hash('x')", "hash", id="hash"),
        pytest.param("order = sorted([], key=lambda one: id(one))", "hash", id="id as a key"),
        pytest.param("import math\nx = math.exp(1)", "inexact", id="math.exp"),
        pytest.param("from math import log2", "inexact", id="log2 by name"),
        pytest.param("import math\nx = math.pow(2, 3)", "inexact", id="math.pow"),
        pytest.param("def f(x: float): return x ** 2", "inexact", id="a float's power"),
        pytest.param("def f(n: int): return 2 ** -n", "inexact", id="a negative power"),
        pytest.param("def f(n: int): return pow(0.5, n)", "inexact", id="pow of a float"),
        pytest.param(
            "def f(rows: list[float]): return sum(rows)", "sum", id="a sum of a list of floats"
        ),
        pytest.param(
            "def f(by: dict[str, float]): return sum(by.values())", "sum", id="a sum of values"
        ),
        pytest.param("def f(rows): return sum(r / 2 for r in rows)", "sum", id="a sum of ratios"),
        pytest.param("import numpy as np\nx = np.sum([0.1])", "numpy", id="numpy's sum"),
        pytest.param("import numpy as np\ndef f(a): return a.mean()", "numpy", id="an array's"),
        pytest.param("def f(a, b): return a @ b", "numpy", id="a matrix product"),
        pytest.param("import numpy as np\nx = np.argsort([1])", "sort", id="an unstable sort"),
        pytest.param("import json\nx = json.dumps({})", "json", id="json with NaN"),
        pytest.param("for x in {1, 2}: pass", "set", id="a loop over a set"),
        pytest.param("xs = [x for x in set([1])]", "set", id="a list made from a set"),
        pytest.param("xs = {x: 0 for x in {1}}", "set", id="a dict made from a set"),
        pytest.param("xs = dict.fromkeys({1})", "set", id="a dict made from a set's keys"),
        pytest.param("xs = list({1} | {2})", "set", id="a union in a list"),
        pytest.param("xs = (*{1}, 2)", "set", id="a set unpacked"),
        pytest.param("a, b = {1, 2}", "set", id="a set taken apart"),
        pytest.param("x = next(iter({1}))", "set", id="some element"),
        pytest.param("x = {1}.pop()", "set", id="pop of a set"),
        pytest.param("x = ','.join({'a'})", "set", id="a set joined"),
        pytest.param("x = min({1}, key=str)", "set", id="ties of min by a key"),
        pytest.param("x = sorted({1}, key=str)", "set", id="ties of sorted by a key"),
        pytest.param("def f(a: dict, b: dict):\n  for k in a.keys() & b: pass", "set", id="keys"),
        pytest.param("def f(xs: frozenset[str]):\n  return tuple(xs)", "set", id="a parameter"),
        pytest.param("def f(xs: 'set[str] | None'):\n  return list(xs or ())", "set", id="quoted"),
        pytest.param(
            "def f(by: dict[str, set[str]]):\n  return [x for x in by.get('a', ())]",
            "set",
            id="a set inside a dict",
        ),
        pytest.param("x = 1  # determinism: nothing is wrong here", "excuse", id="a vain excuse"),
    ],
)
def test_a_planted_violation_is_found(source, rule):
    assert rules(source) == [rule]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("from uuid import UUID", id="uuid's type"),
        pytest.param("from datetime import UTC, datetime, timedelta", id="datetime's types"),
        pytest.param("import math\nx = math.sqrt(2) + math.fsum([0.1])", id="exact functions"),
        pytest.param("x = 10 ** len('ab') + 2.0**30", id="powers of integers and constants"),
        pytest.param("def f(ns: list[int]): return sum(ns)", id="a sum of integers"),
        pytest.param("import json\nx = json.dumps({}, allow_nan=False)", id="strict json"),
        pytest.param("for x in sorted({1, 2}): pass", id="a sorted set"),
        pytest.param("x = len({1}) + max({1}) + (1 in {1})", id="what no order changes"),
        pytest.param("x = any(y for y in {1})", id="a test over a set"),
        pytest.param("x = {y + 1 for y in {1}}", id="a set from a set"),
        pytest.param("def f(by: dict[str, int]):\n  for x in by: pass", id="a dict's own order"),
        pytest.param("import numpy as np\nx = np.sum([1], dtype=np.int64)", id="integer sums"),
    ],
)
def test_code_that_keeps_the_rules_passes(source):
    assert rules(source) == []


def test_a_set_is_known_through_the_class_of_another_module():
    folded = """
        class Folded:
            nodes: set[str]
            queues: dict[str, int]
        """
    planted = """
        class Engine:
            def __init__(self, folded: Folded) -> None:
                self._folded = folded
            def names(self):
                last = self._folded
                for name in last.queues:
                    yield name
                for name in last.nodes:
                    yield name
        """

    assert rules(planted, folded=folded) == ["set"]


def test_a_reason_excuses_the_line_and_the_line_below():
    beside = "x = list({1})  # determinism: there is only one element"
    above = "# determinism: there is only one element\nx = list({1})"

    assert rules(beside) == []
    assert rules(above) == []


def test_an_excuse_without_a_reason_is_none():
    assert rules("x = list({1})  # determinism: fine") == ["excuse"]


def test_every_core_and_the_shared_domain_are_checked():
    names = {file.as_posix().rpartition("/src/")[2] for file in checked_files()}

    assert "evenflow/common/domain/fold/fold.py" in names
    assert "evenflow/policy_engine/core/cycle.py" in names
    assert "evenflow/gateway/queues/rules/shares.py" in names
    assert "evenflow/gateway/alerts/rules.py" in names
    assert "evenflow/gateway/values/instants.py" in names
