"""The usage document: sealed, read back, aged."""

import json
from typing import Any

import pytest

from evenflow.common.domain.clock import SECOND, ShardClock
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.usage.snapshot import (
    Freshness,
    digest_of,
    freshness,
    parse_snapshot,
    poll_seconds,
    seal,
    sequence_of,
    staleness_us,
)

NOTHING = {"names": [], "raw_hours": {}, "normalized": {}}
FIELDS: dict[str, Any] = {
    "schema": 1,
    "sequence": 12,
    "generated_at": 1_000 * SECOND,
    "data_until": 990 * SECOND,
    "half_life_seconds": 60.0,
    "capacity": {"gpu": 8.0},
    "capacity_unknown": ["cpu"],
    "queues": {
        "names": ["a", "a/b"],
        "raw_hours": {"gpu": [2.0, 1.0]},
        "normalized": {"gpu": [0.5, 0.25]},
    },
    "projects": NOTHING,
    "users": NOTHING,
}
DOCUMENT, DIGEST = seal(FIELDS)


def test_a_sealed_document_reads_back():
    found = parse_snapshot(DOCUMENT)
    assert (found.sequence, found.digest, found.half_life_us) == (12, DIGEST, 60 * SECOND)
    assert found.queues.ratio_of("a/b", "gpu") == 0.25
    assert found.queues.hours_of("a", "gpu") == 2
    assert found.queues.hours_of("b", "gpu") == found.users.ratio_of("a", "gpu") == 0
    assert found.capacity_unknown == {"cpu"}
    assert json.loads(DOCUMENT)["digest"] == DIGEST
    assert sequence_of(DOCUMENT) == 12


def test_a_document_of_before_there_were_users_of_queues_reads_as_having_none():
    found = parse_snapshot(DOCUMENT)
    assert not found.queue_users.rows
    assert found.capacity_hours == {}
    fields = {**FIELDS, "queue_users": FIELDS["queues"], "capacity_hours": {"gpu": 4.5}}
    newer = parse_snapshot(seal(fields)[0])
    assert newer.queue_users.ratio_of("a/b", "gpu") == 0.25
    assert newer.capacity_hours == {"gpu": 4.5}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("", id="empty"),
        pytest.param("null", id="not a document"),
        pytest.param(DOCUMENT[:-1], id="cut"),
        pytest.param(DOCUMENT.replace("0.25", "0.75"), id="changed"),
        pytest.param(seal({**FIELDS, "schema": 2})[0], id="of another schema"),
        pytest.param(seal({"schema": 1})[0], id="sealed but incomplete"),
        pytest.param(seal({**FIELDS, "queues": {**NOTHING, "names": [1]}})[0][:-2], id="unsealed"),
        pytest.param(
            seal({**FIELDS, "queues": {**FIELDS["queues"], "names": ["a"]}})[0],
            id="columns of unequal length",
        ),
    ],
)
def test_what_is_not_a_whole_document_is_refused(document):
    with pytest.raises(UnreadableMessage):
        parse_snapshot(document)
    assert digest_of(DOCUMENT) == DIGEST


def test_exactly_as_old_as_allowed_is_still_fresh():
    found = parse_snapshot(DOCUMENT)
    at = found.generated_at
    assert freshness(found, at + 5 * SECOND, 5 * SECOND) is Freshness.FRESH
    assert freshness(found, at + 5 * SECOND + 1, 5 * SECOND) is Freshness.UNAVAILABLE
    assert freshness(None, at, 5 * SECOND) is Freshness.UNAVAILABLE
    assert found.age_us(at - SECOND) == 0


def test_a_fast_clock_neither_spins_the_poll_nor_makes_history_stale_between_two():
    slow, fast = ShardClock(), ShardClock(rate=10_000)
    assert poll_seconds(60 * SECOND, slow) == 60
    assert poll_seconds(60 * SECOND, fast) == 1
    assert staleness_us(300 * SECOND, slow) == 300 * SECOND
    assert staleness_us(300 * SECOND, fast) >= 2 * 10_000 * SECOND
