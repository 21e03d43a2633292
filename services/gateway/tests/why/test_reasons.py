"""Reasons in words: each code has a sentence, and numbers of another version never hurt."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.gateway.why.rules.reasons import reason_in_words

MONDAY = 1_700_438_400_000_000  # 2023-11-20
BUDGET = {"queue": "vision", "budget": 100_000, "until": MONDAY}


def words(code: ReasonCode, **detail: Any) -> str:
    return reason_in_words(code, detail, ahead=0, queue="vision/train")


@pytest.mark.parametrize(
    ("code", "detail", "told"),
    [
        pytest.param(
            ReasonCode.QUOTA_BUDGET, BUDGET | {"period": "week"},
            "the 100 GPU-hours of vision for this week are used up; "
            "next period starts 2023-11-20 00:00 UTC", id="a budget",
        ),
        pytest.param(
            ReasonCode.QUOTA_BUDGET, BUDGET,
            "the 100 GPU-hours of vision for this period are used up; "
            "next period starts 2023-11-20 00:00 UTC", id="a budget of some period",
        ),
        pytest.param(
            ReasonCode.RESERVED,
            {"reservation": "nightly", "for_queue": "vision", "start": MONDAY,
             "end": MONDAY + 14_400_000_000},
            "it would take what reservation 'nightly' keeps for vision "
            "from 2023-11-20 00:00 UTC to 2023-11-20 04:00 UTC", id="a reservation",
        ),
        pytest.param(
            ReasonCode.CAPACITY, {"tasks": 1, "gpu": 600},
            "not enough is free now: it wants 0.6 gpu", id="room for one",
        ),
        pytest.param(
            ReasonCode.CAPACITY, {"tasks": 4, "gpu": 2000, "required_level": "rack"},
            "not enough is free now: it wants room for 4 tasks of 2 gpu in one rack",
            id="room in one rack",
        ),
        pytest.param(
            ReasonCode.CAPACITY, {"tasks": 3, "gpu": 1000, "group": "worker"},
            "not enough is free now: it wants room for 3 tasks of 1 gpu for its group worker",
            id="room for a group",
        ),
        pytest.param(
            ReasonCode.CAPACITY, {"tasks": 5, "groups": 2, "gpu": 3000, "cpu": 9000},
            "not enough is free now: it wants room for 5 tasks of 2 groups, in all 9 cpu, 3 gpu",
            id="room for groups",
        ),
        pytest.param(
            ReasonCode.STOPPING, {"victims": 1},
            "it waits for 1 job to stop that gives way to it", id="one victim",
        ),
        pytest.param(
            ReasonCode.STOPPING, {"victims": 3},
            "it waits for 3 jobs to stop that give way to it", id="victims",
        ),
    ],
)  # fmt: skip
def test_a_reason_is_said_with_its_numbers(code: Any, detail: Any, told: str) -> None:
    assert words(code, **detail) == told


DETAIL = st.dictionaries(
    st.sampled_from(["queue", "budget", "until", "tasks", "groups", "group", "gpu", "x"]),
    st.integers(-(10**20), 10**20) | st.text(max_size=5),
)


@given(st.sampled_from(list(ReasonCode)), DETAIL)
def test_any_detail_is_said_somehow(code: Any, detail: Any) -> None:
    assert reason_in_words(code, detail, ahead=3, queue="q")


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        (
            {"label": "gpu-type", "wanted": "h100", "known": "a100 (2), v100 (1)"},
            "no node has label gpu-type=h100; there are a100 (2), v100 (1)",
        ),
        ({"label": "gpu-type", "wanted": "h100", "known": ""}, "no node has label gpu-type=h100"),
        ({"label": "nvlink", "wanted": "", "known": ""}, "no node has a label nvlink"),
        ({"labels": "a=b, c=d"}, "no node has all of the labels a=b, c=d"),
        (
            {"taint": "ml=x"},
            "no node would have it: it tolerates too little, most often not ml=x",
        ),
        (
            {"short": "gpu", "wanted_each": 8000, "largest": 4000, "largest_gpu": 4000},
            "a task wants 8 gpu, and no node that would do has more than 4",
        ),
        ({"required_level": "rack"}, "its 3 tasks fit in no single rack"),
        (
            {"largest_gpu": 4000},
            "no nodes could hold all its tasks; the most a node has is 4 gpu",
        ),
    ],
)
def test_what_can_never_start_is_told_what_no_node_has(detail: Any, told: str) -> None:
    said = words(ReasonCode.UNFITTABLE, tasks=3, **detail)
    assert said == f"it can never start as things are: {told}"
