"""Stores that answer with nonsense, slowly, or not at all: one error each, and nothing lost."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.ports.usage_backends import BackendSetup
from evenflow.common.runtime.settings import BackendSettings, PrometheusSettings, UsageSettings
from evenflow.usage_aggregator.adapters.blocking_calls import MOST_LEFT, BlockingCalls
from evenflow.usage_aggregator.adapters.promql import Queries, escaped
from evenflow.usage_aggregator.config import backend_of
from evenflow.usage_aggregator.core.counters import Counters
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.slices import Slicer

MINUTE = 60 * SECOND
NOW = 29_833_333 * MINUTE
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def a_server(answer: Answer) -> Iterator[str]:
    """A server with one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def says(status: int, body: str, content: str = "application/json") -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        request.rfile.read(length)
        request.send_response(status)
        request.send_header("Content-Type", content)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body.encode())

    return answer


def hangs(request: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def dribbles(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000000")
    request.end_headers()
    for _ in range(30):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.1)


BAD = [
    pytest.param(says(200, "<html>sign in</html>", "text/html"), id="HTML"),
    pytest.param(says(200, ""), id="nothing"),
    pytest.param(says(200, "[]"), id="another shape"),
    pytest.param(says(200, '{"data":{"result":[{"metric":3}]},"results":[{"series":3}]}'),
                 id="a shape inside"),
    pytest.param(says(200, '{"data":{"result":[{"metric":{},"values":[["x","y"]],"value":[]}]},'
                           '"results":[{"series":[{"values":[["x","y"]]}]}]}'), id="no numbers"),
    pytest.param(says(500, "oops"), id="500"),
    pytest.param(says(401, "who are you?"), id="wrong credentials"),
    pytest.param(says(302, ""), id="a redirection"),
    pytest.param(hangs, id="no answer"),
    pytest.param(dribbles, id="an answer without end"),
]  # fmt: skip


def a_store(kind: str, url: str, **options: Any):
    usage = UsageSettings(
        backend=BackendSettings.model_validate(
            {"type": kind, kind: {"url": url, "timeout": "300ms", "delay": 0} | options}
        )
    )
    backend, chosen = backend_of(usage)
    return backend.open(BackendSetup(chosen, MINUTE, 10 * MINUTE, None))


@pytest.mark.parametrize("kind", ["prometheus", "victoriametrics", "influx"])
@pytest.mark.parametrize("answer", BAD)
async def test_a_bad_answer_is_one_error_that_names_the_server_and_comes_in_time(kind, answer):
    with a_server(answer) as url:
        async with a_store(kind, url) as store:
            began = time.monotonic()
            with pytest.raises(TemporarilyUnavailable, match=r"http://127\.0\.0\.1"):
                await store.fetch(None, NOW)
            assert time.monotonic() - began < 2


@pytest.mark.parametrize("kind", ["prometheus", "influx"])
async def test_nobody_there_is_one_error_too(kind):
    async with a_store(kind, "http://127.0.0.1:9") as store:
        with pytest.raises(TemporarilyUnavailable):
            await store.fetch(None, NOW)
        with pytest.raises(TemporarilyUnavailable):
            await store.ping()


async def test_what_is_no_number_is_read_as_nothing_and_the_next_reading_has_it():
    seconds = [NOW // SECOND - 60 * ago for ago in (3, 2, 1, 0)]

    def answer(request: BaseHTTPRequestHandler) -> None:
        texts = ["NaN"] * 4 if "capacity" in request.path else ["100", "NaN", "+Inf", "160"]
        found = {
            "metric": {"queue": "a", "resource": "gpu"},
            "values": list(zip(seconds, texts, strict=True)),
            "value": [0, "NaN" if "capacity" in request.path else "90"],
        }
        says(200, json.dumps({"status": "success", "data": {"result": [found]}}))(request)

    with a_server(answer) as url:
        async with a_store("prometheus", url) as store:
            batch = await store.fetch(str(NOW - 4 * MINUTE), NOW)
    used = [entry.amounts for sample in batch.samples for entry in sample.entries]
    assert used == [{"gpu": 10.0}, {"gpu": 60.0}]
    ledger = Ledger(0)
    for sample in batch.samples:
        ledger.fold(sample, latest=NOW)
    assert sorted(ledger.sums_at(NOW).tolist()) == [0, 70]
    assert ledger.capacity == {}


async def test_the_token_goes_with_every_query_and_no_other_secret_is_shown():
    seen: list[str | None] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.headers.get("Authorization"))
        says(403, "no")(request)

    with a_server(answer) as url:
        async with a_store("prometheus", url, token="s3cret") as store:  # noqa: S106
            with pytest.raises(TemporarilyUnavailable) as refused:
                await store.fetch(None, NOW)
        async with a_store("influx", url, token="s3cret") as store:  # noqa: S106
            with pytest.raises(TemporarilyUnavailable):
                await store.fetch(None, NOW)
    assert seen == ["Bearer s3cret", "Token s3cret"]
    assert "s3cret" not in str(refused.value)


async def test_calls_that_are_given_up_do_not_pile_up():
    aside, release = BlockingCalls("a server"), threading.Event()
    for _ in range(MOST_LEFT):
        with pytest.raises(TemporarilyUnavailable, match="no whole answer"):
            await aside.run(release.wait, 0.01)
    with pytest.raises(TemporarilyUnavailable, match="still hang"):
        await aside.run(release.wait, 0.01)
    release.set()
    async with asyncio.timeout(5):
        while True:
            with suppress(TemporarilyUnavailable):
                assert await aside.run(lambda: 7, 1) == 7
                break
            await asyncio.sleep(0.01)


async def test_a_query_holds_up_nothing_else():
    with a_server(hangs) as url:
        async with a_store("prometheus", url) as store:
            fetching = asyncio.create_task(store.fetch(None, NOW))
            longest = 0.0
            while not fetching.done():
                began = time.monotonic()
                await asyncio.sleep(0.005)
                longest = max(longest, time.monotonic() - began)
            assert isinstance(fetching.exception(), TemporarilyUnavailable)
    assert longest < 0.25  # the timeout is 0.3


def test_values_of_labels_cannot_leave_their_quotes():
    labels = {"cluster": 'a"} or vector(1) #\\', "shard": "x\ny"}
    query = Queries(PrometheusSettings(labels=labels)).used(MINUTE)
    assert query == (
        "max by (queue, project, user, resource) (last_over_time(evenflow_usage_seconds_total"
        r'{cluster="a\"} or vector(1) #\\",shard="x\ny"}[299999ms]))'
    )


@given(st.text())
def test_an_escaped_text_ends_where_it_ends(text):
    told = escaped(text)
    assert "\n" not in told
    assert not told.replace("\\\\", "").replace('\\"', "").count('"')
    assert (len(told) - len(told.rstrip("\\"))) % 2 == 0


def test_a_query_of_ones_own_never_shares_a_sample_between_two_steps():
    settings = PrometheusSettings(query="sum by (queue, resource) (sum_over_time(x[$window:1m]))")
    assert "[599999ms:1m]" in Queries(settings).used(10 * MINUTE)


KEY = ("a", "a", "ann", "gpu")


def test_a_counter_that_began_anew_counts_from_nothing_and_a_new_one_too():
    counters = Counters()
    counters.begin([(KEY, 100.0)], is_told=False)
    assert counters.read([(KEY, 130.0)], is_told=True) == {KEY: 30}
    assert counters.read([], is_told=False) == {}
    assert counters.read([(KEY, 150.0)], is_told=True) == {KEY: 20}
    assert counters.read([(KEY, 4.0)], is_told=True) == {KEY: 4}
    other = ("b", "b", "ann", "gpu")
    assert counters.read([(KEY, 4.0), (other, 7.0)], is_told=True) == {other: 7}


def test_a_first_reading_after_nothing_tells_of_no_known_time():
    counters = Counters()
    counters.begin([], is_told=False)
    assert counters.read([(KEY, 1e9)], is_told=True) == {}
    assert counters.read([(KEY, 1e9 + 1)], is_told=True) == {KEY: 1}


def test_a_first_reading_of_one_that_was_there_before_tells_all():
    counters = Counters()
    counters.begin([], is_told=True)
    assert counters.read([(KEY, 5.0)], is_told=True) == {KEY: 5}
    counters.begin([], is_told=False)
    assert counters.read([], is_told=True) == {}
    assert counters.read([(KEY, 5.0)], is_told=True) == {KEY: 5}


@given(
    st.integers(0, 10**5), st.integers(1, 3600), st.integers(1, 600), st.integers(60, 86400),
    st.integers(0, 90), st.lists(st.integers(0, 40_000), min_size=1, max_size=8),
)  # fmt: skip
@settings(deadline=None)
def test_slices_cover_every_instant_once(history, step, resolution, size, delay, pauses):
    slicer = Slicer(
        step * SECOND, resolution * SECOND, size * SECOND, delay * SECOND, history * SECOND
    )
    mark: str | None = None
    now, ends = NOW, []
    first = slicer.next(None, NOW + pauses[0] * SECOND).since
    for pause in pauses:
        now += pause * SECOND
        while True:
            asked = slicer.next(mark, now)
            assert asked.until <= now - delay * SECOND or asked.is_empty
            assert len(asked.ends()) <= max(1, size, 60 * step) // step + 1
            ends += asked.ends()
            mark = str(max(asked.since, asked.until))
            if asked.is_empty or asked.is_last:
                break
    assert ends == sorted(set(ends))
    until = now - delay * SECOND
    assert int(mark or 0) > until - 2 * step * SECOND
    assert ends == [] or ends[-1] == int(mark or 0)
    longest = max((b - a for a, b in zip([first, *ends], ends, strict=False)), default=0)
    assert longest <= max(step, resolution + step) * SECOND
