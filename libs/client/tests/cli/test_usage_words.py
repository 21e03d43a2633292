"""`evenflow usage` without a system: tables that fit, times as typed, requests that go out."""

from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from evenflow.cli.commands.system.events import summary
from evenflow.cli.display.bars import bar
from evenflow.cli.display.table import make_table
from evenflow.cli.display.usage import figures_table, history_table
from evenflow.cli.inputs.times import past_time
from evenflow.cli.main import app
from evenflow.client import AsyncClient, Client
from evenflow.client.discovery.find import Address
from evenflow.client.errors import Unreachable
from evenflow.client.models.usage import UsageHistory
from evenflow.client.requests.usage import as_csv, report
from evenflow.common.domain.errors import InvalidValue

ADDRESS = Address("http://evenflow.test")
LONG = "vision/a-queue-with-a-name-that-is-far-too-long-for-any-terminal"


def figures(part: float) -> dict[str, dict[str, float]]:
    names = ("memory", "gpu", "cpu", "network")
    return {name: {"raw_hours": 1000 * part, "normalized": part} for name in names}


def a_history(**fields: Any) -> UsageHistory:
    rows = [
        {
            "start": f"2026-11-{day}T00:00:00.000000Z", "end": "", "queue": queue, "cost": 7.5,
            "hours": {"gpu": float(day), "memory": 12_345.6, "cpu": 0.01},
        }
        for day in (20, 21)
        for queue in ("speech", LONG)
    ]  # fmt: skip
    given: dict[str, Any] = {
        "since": "2026-11-20T00:00:00.000000Z", "until": "2026-11-22T00:00:00.000000Z",
        "now": "2026-11-21T10:00:00.000000Z", "by": "day", "group_by": ["queue"], "rows": rows,
        "total": {"gpu": 82.0, "memory": 49_382.4, "cpu": 0.04}, "cost": 30.0, "prices": {"gpu": 2},
    }  # fmt: skip
    return given | fields  # type: ignore[return-value]


def printed(table: Any, width: int) -> list[str]:
    console = Console(width=200, highlight=False)
    with console.capture() as capture:
        console.print(make_table(*table, width=width))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("width", [48, 60, 80, 100, 160])
def test_tables_fit_the_terminal(width: int) -> None:
    for table in (
        figures_table("QUEUE", {LONG: figures(0.4), "speech": figures(0.13)}),
        history_table(a_history()),
    ):
        assert max(map(len, printed(table, width))) <= width


def test_who_used_the_most_stands_first_with_the_longest_bar() -> None:
    _, first, second = printed(figures_table("QUEUE", {"a": figures(0.1), "b": figures(0.4)}), 100)
    assert (first[0], second[0]) == ("b", "a")
    assert first.count("█") == 4 * second.count("█") == 20
    assert "40.0 %" in first


def test_hours_have_their_sum_and_their_cost_when_there_are_prices() -> None:
    lines = printed(history_table(a_history()), 160)
    assert lines[0].split() == ["FROM", "QUEUE", "GPU-HOURS", "CPU-HOURS", "GIB-HOURS", "COST"]
    assert lines[1].startswith("2026-11-20  speech")
    assert lines[-1].split() == ["total", "82.00", "0.0400", "49,382", "30.00"]
    assert "COST" not in printed(history_table(a_history(prices={})), 160)[0]


@pytest.mark.parametrize(
    ("value", "most", "text"),
    [(0, 8, ""), (8, 8, "████"), (4, 8, "██"), (0.001, 8, "▏"), (9, 8, "████"), (1, 0, "")],
)
def test_a_bar_shows_all_that_is_not_nothing(value: float, most: float, text: str) -> None:
    assert bar(value, most, width=4).plain == text


def test_times_of_the_past_are_typed_as_how_long_ago() -> None:
    assert past_time("7d", "--since") == -7 * 86_400
    assert past_time("now", "--until") == 0
    assert past_time("2026-12-01T08:00", "--since") == "2026-12-01T08:00"
    with pytest.raises(InvalidValue, match="how long ago"):
        past_time("yesterday", "--since")


def answering(text: str, kind: str, seen: list[httpx.Request]) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text=text, headers={"content-type": kind})

    return httpx.MockTransport(answer)


def test_the_client_sends_filters_and_leaves_out_what_was_not_given() -> None:
    seen: list[httpx.Request] = []
    transport = answering('{"rows": [], "alerts": []}', "application/json", seen)
    with Client(address=ADDRESS, transport=transport) as client:
        client.usage_history(by="week", queue="a/b", since=-60, user=None)
        client.usage_report(project="a", group_by=("user",))
        client.queue_usage("a/b")
        assert client.alerts("a") == []
    assert [str(request.url).partition("/api/v1/")[2] for request in seen] == [
        "usage/history?queue=a%2Fb&since=-60&by=week&group_by=queue",
        "usage/report?project=a&group_by=user",
        "usage/queues/a%2Fb",
        "alerts?queue=a&limit=100",
    ]


async def test_the_async_client_asks_the_same() -> None:
    seen: list[httpx.Request] = []
    transport = answering('{"snapshots": [{}]}', "application/json", seen)
    async with AsyncClient(address=ADDRESS, transport=transport) as client:
        await client.usage()
        await client.usage_history(by="hour", since="2026-11-20")
        assert await client.usage_snapshots("user", "ann") == [{}]
    assert [request.url.path.rpartition("/")[2] for request in seen] == [
        "usage", "history", "snapshots",
    ]  # fmt: skip


def test_csv_is_text_and_what_is_none_is_a_stranger() -> None:
    seen: list[httpx.Request] = []
    with Client(address=ADDRESS, transport=answering("a,b\r\n", "text/csv", seen)) as client:
        assert client.send(as_csv(report({}, ("queue",)))) == "a,b\r\n"
    assert seen[0].url.params["format"] == "csv"
    with (
        Client(address=ADDRESS, transport=answering("<html>", "text/html", seen)) as client,
        pytest.raises(Unreachable),
    ):
        client.send(as_csv(report({}, ("queue",))))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--csv", "--json"), "not both"),
        (("--by", "month"), "hour, day, week"),
        (("--group-by", "node"), "queue, project, user"),
        (("--since", "soon"), "how long ago"),
    ],
)
def test_what_makes_no_sense_is_refused_with_exit_code_2(words: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(app, ["usage", *words], env={"EVENFLOW_URL": "http://127.0.0.1:9"})
    assert done.exit_code == 2, done.output
    assert told in done.stderr


def test_events_tell_alerts_in_words() -> None:
    alert = {"path": "vision", "limit_name": "gpu", "is_raised": True, "used": 8, "limit": 10}
    assert summary("quotas.alerted", {"alerts": [alert]}) == "vision at 80 % of gpu"
    back = {**alert, "is_raised": False, "used": 5}
    assert summary("quotas.alerted", {"alerts": [back]}) == "vision back at 50 % of gpu"
