"""A line of waiting jobs is a sorted list, however its jobs come and go."""

from hypothesis import given
from hypothesis import strategies as st

from evenflow.policy_engine.core.waiting import sorted_queue as module
from evenflow.policy_engine.core.waiting.sorted_queue import SortedQueue

KEYS = st.integers(0, 60).map(lambda n: ((n % 7,), n, f"job-{n:02d}"))
STEPS = st.lists(st.tuples(st.sampled_from(["add", "add", "add", "first", "any"]), KEYS))


@given(STEPS)
def test_a_line_is_what_a_sorted_list_would_be(steps):
    line, expected = SortedQueue(), []
    for what, key in steps:
        if what == "add" and key not in expected:
            is_first = line.add(key)
            expected = sorted([*expected, key])
            assert is_first == (expected[0] == key)
        elif what == "first" and expected:
            line.pop_first()
            del expected[0]
        elif what == "any" and expected:
            gone = expected.pop(key[1] % len(expected))
            line.remove(gone)
        assert list(line) == expected
        assert [line[at] for at in range(len(line))] == expected
        assert line.before(key) == len([each for each in expected if each < key])
        if expected:
            assert line.first() == expected[0]


def test_many_that_come_in_any_order_and_leave_from_the_middle_stay_in_order():
    count = 3 * module.FEW
    keys = [((), n * 7919 % count, f"job-{n * 7919 % count}") for n in range(count)]
    line = SortedQueue()
    for key in keys:
        line.add(key)
    assert list(line) == sorted(keys)
    for key in keys[::3]:
        line.remove(key)
    rest = sorted(set(keys) - set(keys[::3]))
    assert list(line) == rest
    assert line.before(rest[1000]) == 1000


def test_a_long_line_that_is_left_from_the_front_keeps_no_trace_of_those_gone():
    line = SortedQueue()
    for n in range(100_000):
        line.add(((), n, f"job-{n}"))
    for _ in range(99_999):
        line.pop_first()
    assert [key[1] for key in line] == [99_999]
    assert len(line._keys) <= 2 * 64 + 1
