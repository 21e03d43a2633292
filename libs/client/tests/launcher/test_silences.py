"""Who is in trouble for how long."""

from evenflow.cli.launcher.silences import Silences


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_that_is_in_trouble_for_too_long_is_named_once_with_its_seconds() -> None:
    clock = Clock()
    silences = Silences(clock)
    binder = ("binder", 1)
    assert silences.note(binder, "silent", 10) is None
    clock.now += 9.9
    assert silences.note(binder, "silent", 10) is None
    clock.now += 0.1
    assert silences.note(binder, "silent", 10) == 10
    assert silences.note(binder, "silent", 10) is None


def test_an_answer_a_new_process_and_a_sleep_of_the_watcher_begin_anew() -> None:
    clock = Clock()
    silences = Silences(clock)
    for pid in (1, 2, 3):
        silences.note(("binder", pid), "silent", 10)
    clock.now += 20
    silences.note(("binder", 1), "", 10)
    assert silences.note(("binder", 1), "silent", 10) is None
    assert silences.note(("binder", 4), "silent", 10) is None
    silences.forget()
    assert silences.note(("binder", 2), "silent", 10) is None
    clock.now += 20
    silences.clear("binder")
    assert silences.note(("binder", 2), "silent", 10) is None
