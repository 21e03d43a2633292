"""How much backfill is wanted: whether, in which order, how many looked at, how many promised."""

from evenflow.common.testing.builders import a_queue
from tests.fleets.machine import Machine


def test_off_means_that_nothing_passes_a_blocked_head():
    machine = Machine(backfill="off")
    machine.submit(16, 60)
    machine.submit(32, 60)
    short = machine.submit(8, 1)
    assert short.id not in machine.turn()


def test_no_more_jobs_are_looked_at_than_the_settings_say():
    machine = Machine(backfill_tested_jobs=2)
    machine.submit(16, 60)
    machine.submit(32, 60)
    for _ in range(2):
        machine.submit(8, 600)
    third = machine.submit(8, 1)
    assert third.id not in machine.turn()


def test_shortest_first_takes_the_shortest_of_those_that_fit_the_gap():
    machine = Machine(backfill_order="shortest")
    machine.submit(24, 60)
    machine.submit(32, 60)
    middle, short = machine.submit(8, 40), machine.submit(8, 20)
    started = machine.turn()
    assert short.id in started
    assert middle.id not in started


def test_several_blocked_jobs_are_promised_room_when_the_settings_say_so():
    machine = Machine(
        a_queue("a", priority=2),
        a_queue("a/q"),
        a_queue("b", priority=1),
        a_queue("b/q"),
        "c/q",
        backfill_reservations=2,
    )
    machine.submit(16, 60, queue="a/q")
    machine.submit(8, 120, queue="a/q")
    machine.submit(24, 60, queue="a/q")  # in an hour
    machine.submit(32, 60, queue="b/q")  # in two
    long = machine.submit(8, 600, queue="c/q")
    assert long.id not in machine.turn()


def test_conservative_backfill_holds_back_what_would_delay_the_second_blocked_job():
    started = {}
    for backfill_mode in ("easy", "conservative"):
        machine = Machine(backfill=backfill_mode)
        machine.submit(16, 60)
        machine.submit(24, 60)  # from one hour on
        machine.submit(32, 60)  # from two hours on
        long = machine.submit(8, 600)
        started[backfill_mode] = long.id in machine.turn()
    assert started == {"easy": True, "conservative": False}
