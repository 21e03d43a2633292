"""Cases read from documents: what may be left out, and that every mistake is named at once."""

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.errors import InvalidValue
from evenflow.policy_engine.core.division.case import BadCase, divide_case


def case(*queues: Any, **more: Any) -> dict[str, Any]:
    return {"total": {"gpu": 8}, "queues": list(queues), **more}


def queue(name: str = "a", parent: str | None = None, **gpu: Any) -> dict[str, Any]:
    return {"name": name, "parent": parent, "resources": {"gpu": gpu}}


def gpus(document: object, **how: Any) -> dict[str, float]:
    return {name: each["gpu"] for name, each in divide_case(document, **how).shares.items()}


def problems_of(document: object, **how: Any) -> tuple[str, ...]:
    with pytest.raises(BadCase) as refused:
        divide_case(document, **how)
    assert isinstance(refused.value, InvalidValue)
    assert all(problem in str(refused.value) for problem in refused.value.problems)
    return refused.value.problems


HUNGRY = (queue("a", request=9, usage=0.6), queue("b", request=9, usage=0.2))


@pytest.mark.parametrize(
    ("said", "k", "a"),
    [
        pytest.param({}, None, 8 / 3, id="k is 1 where nobody says"),
        pytest.param({"k_value": 0}, None, 4, id="the file's k"),
        pytest.param({"k_value": 0}, 1.0, 8 / 3, id="the caller's k beats the file's"),
        pytest.param({"k_value": 1}, 0.0, 4, id="even 0 does"),
        pytest.param({"k_value": None}, None, 8 / 3, id="null is not said"),
    ],
)
def test_which_k_counts(said: dict[str, Any], k: float | None, a: float) -> None:
    assert gpus(case(*HUNGRY, **said), k=k)["a"] == pytest.approx(a)


@pytest.mark.parametrize("unlimited", [None, -1, -1.0])
def test_limits_may_be_none_in_three_ways(unlimited: float | None) -> None:
    assert gpus(case(queue(request=7, limit=unlimited))) == {"a": 7}
    assert gpus(case(queue(request=7, limit=5))) == {"a": 5}


def test_weight_has_two_names_and_defaults_to_1() -> None:
    said = case(queue("a", request=9, over_quota_weight=2), queue("b", request=9, weight=1),
                queue("c", request=9))  # fmt: skip
    assert gpus(said) == {"a": 4, "b": 2, "c": 2}


def test_deserved_minus_1_is_all_there_is_and_absent_is_nothing() -> None:
    said = case(queue("a", request=6, deserved=-1), queue("b", request=6, weight=100))
    assert gpus(said) == {"a": 6, "b": 2}


def test_numbers_may_name_queues_and_have_exponents() -> None:
    said = {"total": {"gpu": "1e3"}, "queues": [queue(1, request=5), queue("2", 1, request=4)]}  # type: ignore[arg-type]
    assert gpus(said) == {"1": 5, "2": 4}


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        (1, 2),
        (date(2024, 1, 1), date(2024, 1, 2)),
        ("2024-01-01", "2024-01-01T00:00:01Z"),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00.000001+00:00"),
        (None, date(1970, 1, 2)),
        (1704067199, date(2024, 1, 1)),
        (1704067199.5, date(2024, 1, 1)),
        ("9", "10"),
    ],
)
def test_the_older_queue_gets_the_odd_unit(older: object, younger: object) -> None:
    said = case(queue("a", request=9) | {"created": younger},
                queue("b", request=9) | {"created": older}, total={"gpu": 3})  # fmt: skip
    for how in ({"mode": "kai"}, {"whole_units": True}):
        assert gpus(said, **how) == {"a": 1, "b": 2}


NAME = "must be a name: printable, 1 to 200 characters"
BOMB: list[Any] = ["x"]
for _ in range(40):
    BOMB = [BOMB] * 9  # 9^40 words when written out


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        pytest.param(None, "it is empty; it needs `total` and `queues`", id="empty"),
        pytest.param([1], "the case: [1] must be a mapping", id="a list"),
        pytest.param("gpu", "the case: 'gpu' must be a mapping", id="a word"),
        pytest.param({"queues": []}, "total: None must be a mapping", id="no total"),
        pytest.param({"total": {"gpu": 1}}, "queues: None must be a list of queues",
                     id="no queues"),
        pytest.param(case(total={"gpu": -1}), "total.gpu: -1 must be a number of 0 or more",
                     id="total below 0"),
        pytest.param(case(total={"gpu": float("nan")}),
                     "total.gpu: nan must be a number of 0 or more", id="total is NaN"),
        pytest.param(case(total={"gpu": float("inf")}), "total.gpu: inf must be at most 1e+18",
                     id="total is infinite"),
        pytest.param(case(total={"gpu": True}), "total.gpu: True must be a number of 0 or more",
                     id="total is a bool"),
        pytest.param(case(total={"gpu": "8Gi"}), "total.gpu: '8Gi' must be a number of 0 or more",
                     id="total is a text"),
        pytest.param(case(k_value=-0.1), "k_value: -0.1 must be a number of 0 or more",
                     id="k below 0"),
        pytest.param(case(total={}), "total: it is empty; it needs a resource, as gpu: 8",
                     id="total without a resource"),
        pytest.param({"total": {f"r{i}": 1 for i in range(101)}, "queues": []},
                     "total: has more than 100 resources", id="too many resources"),
        pytest.param(case(*[queue(f"q{i}") for i in range(10_001)]),
                     "queues: there are more than 10000 of them", id="too many queues"),
        pytest.param(case(total={"gpu": 1 << 20_000}),
                     "total.gpu: a number of 20001 bits must be at most 1e+18",
                     id="more digits than Python prints"),
        pytest.param(case(queue() | {"priority": 10**19}),
                     "queue a: priority: a number of 64 bits must be at most 1e+18 from 0",
                     id="a huge priority"),
        pytest.param(case(queue(request=BOMB)),
                     "queue a: gpu.request: [[…], […], […], …] must be a number of 0 or more",
                     id="a list of lists without end"),
        pytest.param(case(queue("\x1b[31mred")), f"queues[0].name: '\\x1b[31mred' {NAME}",
                     id="a name that colours the terminal"),
        pytest.param(case(total={"gpu": 8, "g\npu": 1}),
                     "total: 'g\\npu' must be printable text, as every key",
                     id="a key over two lines"),
        pytest.param(case(7), "queues[0]: 7 must be a mapping", id="a queue is a number"),
        pytest.param(case({}), f"queues[0].name: None {NAME}", id="no name"),
        pytest.param(case(queue("")), f"queues[0].name: '' {NAME}", id="empty name"),
        pytest.param(case(queue("a"), queue("a")),
                     "queue a: the name is taken by another queue", id="a name twice"),
        pytest.param(case(queue("team"), queue("a", "tean")),
                     "queue a: parent: 'tean' is no queue; did you mean 'team'?", id="an orphan"),
        pytest.param(case(queue("a", "a")), "queue a: parents form a cycle: a -> a",
                     id="its own parent"),
        pytest.param(case(queue("x", "a"), queue("a", "c"), queue("b", "a"), queue("c", "b")),
                     "queue a: parents form a cycle: a -> c -> b -> a", id="a cycle"),
        pytest.param(case(queue(weight=-1)),
                     "queue a: gpu.over_quota_weight: -1 must be a number of 0 or more",
                     id="weight below 0"),
        pytest.param(case(queue(weight=1, over_quota_weight=1)),
                     "queue a: gpu: weight and over_quota_weight are the same; give one",
                     id="weight twice"),
        pytest.param(case(queue(deserved=-2)),
                     "queue a: gpu.deserved: -2 must be a number of 0 or more, or -1 for unlimited",
                     id="deserved below 0"),
        pytest.param(case(queue(request=-1)),
                     "queue a: gpu.request: -1 must be a number of 0 or more",
                     id="request below 0"),
        pytest.param(case(queue(usage=[0.5])),
                     "queue a: gpu.usage: [0.5] must be a number of 0 or more", id="usage a list"),
        pytest.param(case(queue(wieght=1)),
                     "queue a: gpu: 'wieght' is no field of it; did you mean 'weight'?",
                     id="a typing error"),
        pytest.param(case({"name": "a", "resources": {"tpu": {"request": 1}}}),
                     "queue a: tpu: is not in total, which has gpu", id="no such resource"),
        pytest.param(case(queue() | {"priority": 1.5}),
                     "queue a: priority: 1.5 must be a whole number", id="half a priority"),
        pytest.param(case(queue() | {"created": "soon"}),
                     "queue a: created: 'soon' must be seconds or a date as "
                     "2026-01-31T12:00:00Z", id="no date"),
        pytest.param(case(queue() | {"parent": ["b"]}), f"queue a: parent: ['b'] {NAME}",
                     id="a parent that is a list"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(document: object, problem: str) -> None:
    assert problems_of(document) == (problem,)


def test_mode_and_k_are_judged_too() -> None:
    assert problems_of(case(), mode="fair", k=-1.0) == (
        "--mode: 'fair' must be one of corrected, kai",
        "--k: -1.0 must be a number of 0 or more",
    )


def test_all_mistakes_are_named_at_once() -> None:
    said = case(queue("a", "b", weight=-1), queue("b", "a"), queue("b"), k_value="x")
    assert len(problems_of(said)) == 4


def test_a_long_value_is_cut() -> None:
    assert len(problems_of(case(queue(request="x" * 10_000)))[0]) < 150


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))
anything = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["total", "queues", "name", "parent", "resources", "gpu", "request", "k_value", "a"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(anything, anything, anything)
def test_whatever_is_said_is_divided_or_refused(whole: object, total: object, one: object) -> None:
    for document in (whole, {"total": total, "queues": [one]}, case(one), case(queue(request=one))):
        with suppress(BadCase):
            divide_case(document)
