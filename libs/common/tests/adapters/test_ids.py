"""Ids sort by the time they were made."""

from uuid import RFC_4122, UUID

from evenflow.common.adapters.ids import IdMaker, made_at
from evenflow.common.adapters.system_clock import SystemClock

T0 = 1_790_000_000_123_456


def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond():
    one = IdMaker().new_at(T0)
    assert UUID(one).version == 7
    assert UUID(one).variant == RFC_4122
    assert made_at(one) == T0 // 1000 * 1000


def test_ids_of_one_instant_grow():
    maker = IdMaker(lambda: T0)
    made = [maker.new() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == 10_000


def test_ids_grow_when_the_wall_clock_is_set_back():
    maker = IdMaker()
    assert maker.new_at(T0) < maker.new_at(T0 - 3_600_000_000) < maker.new_at(T0 + 1_000)


def test_ids_of_two_makers_sort_by_time_to_the_microsecond():
    assert IdMaker().new_at(T0) < IdMaker().new_at(T0 + 1) < IdMaker().new_at(T0 + 2)


def test_two_makers_never_make_the_same_id():
    assert IdMaker().new_at(T0) != IdMaker().new_at(T0)


def test_the_systems_clock_counts_microseconds_since_1970():
    clock = SystemClock()
    assert clock.now() > 1_700_000_000_000_000
    assert clock.monotonic() <= clock.monotonic()
