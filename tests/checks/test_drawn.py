"""What is drawn from the code says what the code says; the frozen schemas are those on the wire."""

import json

import pytest

from evenflow.common.contracts.subjects import KINDS
from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.jobs.job import JOB_TRANSITIONS
from evenflow.common.runtime.settings.sources import known_keys
from tools.docs import jobs, rooms, schemas, settings
from tools.docs.__main__ import SCHEMAS, drawn, frozen, left_over, stale

DRAWN = drawn()


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.name)
def test_a_drawn_page_is_fresh(path):
    assert not stale({path: DRAWN[path]}), "run `make docs`"


@pytest.mark.parametrize("path", frozen(), ids=lambda path: path.stem)
def test_the_shape_of_a_fact_on_the_wire_has_not_changed(path):
    assert json.loads(path.read_text()) == json.loads(frozen()[path])


def test_no_schema_is_left_of_a_fact_that_is_gone():
    assert left_over(SCHEMAS, frozen()) == []
    assert len(schemas.files()) == len(KINDS)


def test_no_map_is_left_that_no_page_shows():
    assert left_over(rooms.MAPS, DRAWN) == []


def test_the_page_of_jobs_tells_every_move_with_its_reason_and_every_code():
    page = jobs.page()

    for state, moves in JOB_TRANSITIONS.items():
        for target, reason in moves.items():
            assert f"    {state} --> {target}\n" in page
            assert f"| `{state}` | `{target}` | {reason} |" in page
    assert all(f"| `{code}` | " in page for code in ReasonCode)


def test_the_page_of_settings_tells_every_setting():
    page = settings.page()

    assert all(f"| `{key}` | " in page for key in known_keys())
