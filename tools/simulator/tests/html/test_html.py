"""Reports are one file that needs nothing, safe with any name, with the numbers they claim."""

import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.core_run.outcome import HourlySeries
from evenflow.simulator.html import write_report
from evenflow.simulator.html.fragmentation import Fragmentation
from evenflow.simulator.html.palette import COLOURS, themed
from evenflow.simulator.html.series import mean_held, size_classes
from evenflow.simulator.html.words import signed_wait, time_unit, wait_word
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.trace import Trace, TraceJob

SECOND = 1_000_000
HOUR = 3600 * SECOND
EVIL = "<script>alert('$x_1$')</script>"


def a_schedule(label: str = "fifo", *, late: int = 0, users: bool = True) -> Schedule:
    jobs = [
        TraceJob(
            str(n), n * HOUR, 3 * HOUR, 1 + n % 5,
            user=(("ann", "bob", EVIL)[n % 3] if users else ""),
        )
        for n in range(30)
    ]  # fmt: skip
    start = [job.submit_us + (late + i % 3) * HOUR for i, job in enumerate(jobs)]
    end = [at + job.run_us for at, job in zip(start, jobs, strict=True)]
    start[4] = end[4] = -1
    trace = Trace("log.swf", 16, jobs, Counter({"no run time": 7}))
    return Schedule(trace, label, start, end, share_error=0.25, notes={"victims": 3})


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()

    def handle_starttag(self, tag, attrs):
        self.seen[tag] += 1
        self.ids.update(value for name, value in attrs if name == "id")
        if tag not in {"meta", "br", "hr", "img", "link"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen[tag] += 1
        self.ids.update(value for name, value in attrs if name == "id")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "report.html"
    write_report([a_schedule(), a_schedule("fairshare", late=1)], path)
    return path.read_text(encoding="utf-8")


def test_a_report_is_one_well_formed_page_that_loads_nothing(page):
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert tags.seen["svg"] >= 5
    assert not tags.seen["script"]
    assert not tags.seen["link"]
    assert not tags.seen["img"]
    outside = set(re.findall(r"https?://[^\s\"'<>]+", page))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "url(http" not in page
    assert "@import" not in page


def test_drawings_of_one_page_share_no_id(page):
    tags = Tags()
    tags.feed(page)
    assert [name for name, count in tags.ids.items() if count > 1] == []


def test_names_of_users_are_text_whatever_they_hold(page):
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "$x_1$" in page or "alert(" in page


def test_colours_follow_the_readers_theme(page):
    assert "prefers-color-scheme: dark" in page
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--s0)" in drawings
    assert "var(--grid)" in drawings
    assert not re.findall(r"#fe0[01][0-9a-f]{2}", page)


def test_all_that_was_asked_for_is_shown(page):
    for title in (
        "Utilisation", "Jobs waiting", "Mean wait by size", "Mean wait by user",
        "Shares over time, against entitlement", "Rows of the log by reason",
    ):  # fmt: skip
        assert title in page
    assert "share error" in page
    assert "0.250" in page
    assert "victims" in page


def test_the_same_schedules_give_the_same_page(tmp_path):
    texts = []
    for name in ("a.html", "b.html"):
        write_report([a_schedule()], tmp_path / name)
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]


def test_a_log_without_users_or_without_jobs_has_a_page_too(tmp_path):
    write_report([a_schedule(users=False)], tmp_path / "a.html")
    assert "Mean wait by user" not in (tmp_path / "a.html").read_text()
    write_report([Schedule(Trace("none", 8, []), "fifo", [], [])], tmp_path / "b.html")
    assert "0 jobs on 8 slots" in (tmp_path / "b.html").read_text()


def test_fragmentation_is_shown_where_it_is_known(tmp_path):
    hours = HourlySeries("gpu", at=[HOUR, 2 * HOUR, 3 * HOUR])
    hours.utilisation = hours.fragmentation = [0.1, 0.4, 0.2]
    hours.queue_share = {"vision": [0.1, 0.2, 0.2]}
    hours.queue_entitlement = {"vision": [0.5, 0.5, 0.5]}
    write_report([a_schedule()], tmp_path / "a.html", hourly={"fifo": hours})
    text = (tmp_path / "a.html").read_text()
    assert "Stranded part of what is free" in text
    assert "vision" in text
    curve = Fragmentation([0.0, 0.5, 1.0], [0.0, 0.02, 0.05], 0.93)
    write_report([], tmp_path / "b.html", fragmentation={"pack": curve})
    text = (tmp_path / "b.html").read_text()
    assert "GPUs that nobody can use" in text
    assert "93.0 %" in text


def test_a_page_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(InvalidValue, match="cannot be written"):
        write_report([a_schedule()], tmp_path / "nowhere" / "x.html")


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 40), st.integers(1, 9)), max_size=20),
    st.integers(1, 12),
)
def test_means_over_bins_add_up_to_all_that_was_held(held, count):
    start = np.array([float(at) for at, _, _ in held])
    end = start + np.array([float(lasted) for _, lasted, _ in held])
    amount = np.array([float(amount) for *_, amount in held])
    edges = np.linspace(0, 130, count + 1)
    mean = mean_held(start, end, amount, edges)
    assert float((mean * np.diff(edges)).sum()) == pytest.approx(
        float((amount * (end - start)).sum())
    )
    assert (mean >= -1e-9).all()


def test_classes_of_sizes_hold_every_width_once():
    widths = [1, 2, 4, 5, 17, 300, 5000]
    classes = size_classes(widths)
    for width in widths:
        assert sum(least <= width <= most for _, least, most in classes) == 1
    assert next(name for name, *_ in classes) == "1"


def test_durations_read_as_people_say_them():
    assert [wait_word(s) for s in (0, 4.25, 59, 61, 3600 * 5, 86_400 * 3)] == [
        "0s", "4.2s", "59s", "1m1s", "5h", "3d",
    ]  # fmt: skip
    assert signed_wait(-90) == "\u22121m30s"
    assert signed_wait(90) == "+1m30s"
    assert signed_wait(0.01) == "0s"
    assert time_unit(30)[0] == "seconds"
    assert time_unit(86_400 * 10)[0] == "days"


def test_every_stand_in_becomes_a_variable():
    text = " ".join(colour.stand_in for colour in COLOURS)
    assert themed(text) == " ".join(f"var(--{colour.name})" for colour in COLOURS)
