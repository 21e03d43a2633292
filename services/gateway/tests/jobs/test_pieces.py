"""Facts are cut by what they weigh, and an array's weight is known before it is written out."""

import json

import pytest

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.gateway.jobs.rules.pieces import (
    BYTES_A_FACT,
    BYTES_A_REQUEST,
    RECORDS_A_FACT,
    Allowance,
    pieces,
    weight,
)


def _spec(size: int, array_id: str | None = None) -> JobSpec:
    config = {"command": ["true"], "env": {"A": "x" * size}}
    return JobSpec(
        "id", "n", "p", "p/q", "u", Instant(0), executor_config=config, array_id=array_id
    )


def test_an_honest_array_is_cut_by_size() -> None:
    specs = [_spec(20_000, "a")] * 500
    cut = pieces(specs)
    assert [spec for piece in cut for spec in piece] == specs
    assert len(cut) > 1
    for piece in cut:
        assert len(json.dumps([dict(spec.executor_config) for spec in piece])) < BYTES_A_FACT


def test_small_jobs_are_cut_by_number() -> None:
    assert [len(piece) for piece in pieces([_spec(1)] * 1201)] == [RECORDS_A_FACT] * 2 + [201]
    assert pieces([]) == []


def test_a_heavy_job_stands_alone() -> None:
    assert [len(p) for p in pieces([_spec(1), _spec(BYTES_A_FACT), _spec(1)])] == [1, 1, 1]


def test_what_one_request_makes_is_bounded() -> None:
    allowance = Allowance()
    allowance.take(_spec(20_000), 500)
    with pytest.raises(InvalidValue, match="10000 jobs of about"):
        allowance.take(_spec(900_000), 10_000)
    assert allowance.left == BYTES_A_REQUEST - 500 * weight(_spec(20_000))
