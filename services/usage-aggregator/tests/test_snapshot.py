"""The document that everybody reads."""

import json
from itertools import permutations

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample
from evenflow.common.domain.usage.snapshot import parse_snapshot, queue_user
from evenflow.common.testing.builders import GIB, T0
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.snapshot import take_snapshot

HOUR = 3600 * SECOND


def an_entry(queue: str, user: str, **amounts: float) -> UsageEntry:
    return UsageEntry("job", queue, queue.partition("/")[0], user, amounts)


def a_ledger(*entries: UsageEntry, half_life_us: int = 24 * HOUR, **capacity: float) -> Ledger:
    ledger = Ledger(half_life_us)
    sample = UsageSample("s", T0, T0 + HOUR, entries, capacity)
    ledger.fold(sample, latest=T0 + HOUR)
    return ledger


def taken(ledger: Ledger, at: int = HOUR):
    return parse_snapshot(take_snapshot(ledger, T0 + at, 7).document)


def test_a_queue_that_held_24_of_100_gpu_hours_scores_0_24_whatever_has_faded():
    ledger = a_ledger(an_entry("vision/a", "ann", gpu=24 * 3600.0), gpu=100.0)
    for later in (0, 24, 240):
        found = taken(ledger, HOUR * (1 + later))
        assert found.queues.ratio_of("vision/a", "gpu") == 0.24
        assert found.projects.ratio_of("vision", "gpu") == 0.24
        assert found.users.hours_of("ann", "gpu") == pytest.approx(24 * 0.5 ** (later / 24))


def test_users_are_told_in_each_queue_by_itself_and_with_the_capacity_that_was():
    entries = [an_entry("v/a", "ann", gpu=3600.0), an_entry("v/b", "ann", gpu=7200.0)]
    found = taken(a_ledger(*entries, an_entry("v/a", "x:y", gpu=3600.0), gpu=4.0))
    assert found.queue_users.ratio_of(queue_user("v/a", "ann"), "gpu") == 0.25
    assert found.queue_users.hours_of(queue_user("v/b", "ann"), "gpu") == 2
    assert found.queue_users.hours_of("v/a:x:y", "gpu") == 1
    assert found.users.hours_of("ann", "gpu") == 3
    assert found.capacity_hours == {"gpu": 4}


def test_memory_is_told_in_gib_hours():
    ledger = a_ledger(an_entry("a/b", "ann", memory=3.0 * GIB * 3600), memory=6.0 * GIB)
    assert taken(ledger).queues.hours_of("a", "memory") == 3
    assert taken(ledger).queues.ratio_of("a", "memory") == 0.5


def test_a_resource_without_capacity_scores_0_and_is_named_and_others_are_unaffected():
    ledger = a_ledger(an_entry("a/b", "ann", gpu=3600.0, cpu=3600.0), cpu=2.0, network=0.0)
    found = taken(ledger)
    assert found.queues.ratio_of("a/b", "gpu") == 0
    assert found.queues.hours_of("a/b", "gpu") == 1
    assert found.queues.ratio_of("a/b", "cpu") == 0.5
    assert found.capacity_unknown == {"gpu"}


def test_names_and_resources_that_are_not_there_count_nothing():
    found = taken(a_ledger(an_entry("a/b", "ann", cpu=1.0), cpu=1.0))
    assert found.queues.ratio_of("elsewhere", "cpu") == 0
    assert found.queues.ratio_of("a", "gpu") == 0


def test_what_was_taken_back_never_shows_as_negative():
    ledger = a_ledger(an_entry("a/b", "ann", cpu=-1.0), cpu=1.0)
    assert taken(ledger).queues.hours_of("a/b", "cpu") == 0


def test_the_same_usage_gives_the_same_bytes_in_whatever_order_it_came():
    entries = [an_entry(f"q{n}/x", f"u{n}", cpu=0.1 * n + 0.7) for n in range(4)]
    documents = set()
    for order in permutations(entries * 2, 5):
        if {entry.user for entry in order} == {"u0", "u1", "u2", "u3"} and order.count(
            entries[0]
        ) == 2:
            documents.add(take_snapshot(a_ledger(*order, cpu=9.0), T0 + HOUR, 1).document)
    assert len(documents) == 1


def test_the_document_says_what_usg_18_wants():
    document = json.loads(take_snapshot(a_ledger(cpu=2.0), T0 + 2 * HOUR, 7).document)
    assert document["schema"] == 1
    assert (document["sequence"], document["backend"]) == (7, "log")
    assert (document["generated_at"], document["data_until"]) == (T0 + 2 * HOUR, T0 + HOUR)
    assert document["half_life_seconds"] == 86400
    assert document["capacity"] == {"cpu": 2}
    assert {"window", "queues", "projects", "users", "digest"} <= set(document)
