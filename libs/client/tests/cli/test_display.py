"""Words and tables for people."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from evenflow.cli.display.table import Column, make_table
from evenflow.cli.display.words import ago, amounts, lasting, rough

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-11-22T11:59:59.500000Z", "now"),
        ("2026-11-22T11:59:18Z", "42s ago"),
        ("2026-11-22T11:54:30Z", "5m30s ago"),
        ("2026-11-22T09:00:00Z", "3h ago"),
        ("2026-11-20T10:00:00Z", "2d2h ago"),
        ("2026-11-22T12:00:05Z", "now"),
        (None, "-"),
    ],
)
def test_how_long_ago(at: str | None, words: str) -> None:
    assert ago(at, NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0042, "4ms"), (4.21, "4.2s"), (65, "1m5s"), (7200, "2h"), (90_061, "1d1h"), (None, "-")],
)
def test_how_long_it_took(seconds: float | None, words: str) -> None:
    assert lasting(seconds) == words


def test_large_durations_have_one_unit() -> None:
    assert rough(47 * 60) == "47m"


def test_amounts_have_their_units_and_their_order() -> None:
    resources = {"network": 5, "gpu": 500, "memory": 24_684_096 * 1024, "cpu": 1500}
    assert amounts(resources) == "cpu 1.5, memory 23.5Gi, gpu 0.5, network 5"


def rendered(width: int) -> list[str]:
    columns = [Column("ID"), Column("NAME", can_shrink=True), Column("USER", rank=2),
               Column("QUEUE", rank=1)]  # fmt: skip
    rows = [["123456", "a-rather-long-name-of-a-job", "somebody", "research/train"]]
    console = Console(width=width, record=True, file=None, quiet=True)
    with console.capture() as captured:
        console.quiet = False
        console.print(make_table(columns, rows, width=width))
    return captured.get().splitlines()


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (80, ["ID", "NAME", "USER", "QUEUE"]),
        (44, ["ID", "NAME", "QUEUE"]),
        (30, ["ID", "NAME"]),
    ],
)
def test_a_table_fits_by_leaving_out_what_matters_least(width: int, titles: list[str]) -> None:
    lines = rendered(width)
    assert lines[0].split() == titles
    assert all(len(line) <= width for line in lines)
    assert len(lines) == 2


def test_names_are_cut_before_the_id_is() -> None:
    line = rendered(26)[1]
    assert line.startswith("123456")
    assert "…" in line
