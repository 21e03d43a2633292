"""Structured garbage on every subject that outsiders of the broker reach, against a live system.

Two connections a login: one asks what is answered, and demands an answer; one publishes where
nobody may, or what is no subject. The broker may close the second one for that, which then
connects again, so that no question waits on a connection that an insult has ended.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import nats
import nats.errors

from tests.fuzz.live import Live
from tests.fuzz.test_parsers import mutated

LOGINS: Final = ("client", "requester")
_REQUESTS: Final = "evenflow.v1.cmd.main"
_ANSWERED: Final = (
    "jobs.submit", "jobs.submit-batch", "jobs.cancel", "jobs.logs", "jobs.explain", "usage.show",
)  # fmt: skip
_FORBIDDEN: Final = (
    f"{_REQUESTS}..", f"{_REQUESTS}.jobs.>", f"{_REQUESTS}.*", f"{_REQUESTS}.jobs.nothing",
    f"{_REQUESTS}.log.skipped", "evenflow.v1.main.jobs.submitted", "evenflow.v1.main.log.skipped",
    "evenflow.v1.main.queues.defined", "evenflow.v1.ask.main.logs",
    "evenflow.v1.health.main.binder",
    "$JS.API.STREAM.PURGE.EVENFLOW_main", "$JS.API.STREAM.DELETE.EVENFLOW_main",
    "$SYS.REQ.USER.INFO", "$KV.EVENFLOW_main_access.token.a", "$KV.EVENFLOW_main_leases.binder",
    "", " ", "a b",
)  # fmt: skip
_PATIENCE_SECONDS: Final = 20.0
_AT_ONCE: Final = 8  # askers a login
_TRESPASS_PAUSE_SECONDS: Final = 0.01
_LOOK_SECONDS: Final = 5.0
_SEEDS: Final[tuple[Any, ...]] = (
    {"name": "x", "executor": "simulated", "executor_config": {"run_seconds": 1}},
    {"resources": {"gpu": 1, "memory": "1Gi"}, "queue": "default", "tasks": 2, "priority": 1},
    {"jobs": [{"name": "x"}], "atomic": True},
    {"job_id": "00000000-0000-0000-0000-000000000000"},
    {"job_id": "x", "stream": "stdout", "offset": 0, "limit": 10},
    {"queue": "default", "window": "1h"},
)
_STRANGE: Final[tuple[Any, ...]] = (
    None, True, -1, 2**63, 10**400, -0.0, 1e308, "", "\x00", "\ud800", "x" * 70_000, "../..", "*.>",
    [], {}, [[[[[]]]]], {"a": {"a": {"a": {}}}}, [None] * 2000, "2026-13-41T99:00:00Z", "1e999",
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What was tried, and what was wrong."""

    asked: int = 0
    refused: int = 0
    trespassed: int = 0
    found: list[str] = field(default_factory=list)


async def fuzz_bus(live: Live, seconds: float) -> Tally:
    """Send until the time is over; the first trouble with the system as a whole ends it."""
    tally, until = Tally(), time.monotonic() + seconds
    tasks: list[Awaitable[None]] = [_watch(live, tally, until)]
    clients = []
    for number, login in enumerate(LOGINS):
        clients += [await _connect(live, login) for _ in range(2)]
        asks, trespasses = clients[-2:]
        tasks += [
            _repeat(_asker(asks, live.token, tally, 100 * number + each), until, tally)
            for each in range(_AT_ONCE)
        ]
        tasks.append(_repeat(_trespasser(trespasses, tally, number), until, tally))
    try:
        await asyncio.gather(*tasks)
    finally:
        for client in clients:
            await client.close()
    return tally


def run_bus(live: Live, seconds: float) -> list[tuple[str, int, list[str]]]:
    """Run `fuzz_bus` in a loop of its own; return rows of what, inputs, found."""
    tally = asyncio.run(fuzz_bus(live, seconds))
    return [
        (f"bus: requests ({tally.refused:,} refused by a problem)", tally.asked, tally.found),
        ("bus: subjects that are forbidden or none", tally.trespassed, []),
    ]


def garbage(rng: random.Random) -> bytes:
    """Return a request that is nearly right: a value, a key or some bytes of it are not."""
    seed = rng.choice(_SEEDS)
    if rng.random() < 0.4:
        return mutated(json.dumps(seed).encode(), rng)
    changed = dict(seed)
    for _ in range(rng.randint(1, 3)):
        other = rng.choice(_SEEDS)
        changed[rng.choice([*seed, *other, "unknown", ""])] = rng.choice(_STRANGE)
    return json.dumps(changed).encode()


async def _connect(live: Live, login: str) -> Any:
    async def expected(error: Exception) -> None:
        """The broker says of each forbidden subject that it is."""

    return await nats.connect(
        live.nats_url,
        **live.login_of(login),
        error_cb=expected,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.05,
    )


async def _repeat(once: Callable[[], Awaitable[None]], until: float, tally: Tally) -> None:
    while time.monotonic() < until and len(tally.found) < 100:
        await once()


async def _watch(live: Live, tally: Tally, until: float) -> None:
    while time.monotonic() < until:
        await asyncio.sleep(min(_LOOK_SECONDS, max(0, until - time.monotonic())))
        if problem := await asyncio.to_thread(live.trouble):
            tally.found += [f"after {tally.asked} requests: {problem}"] * 100
            return


def _asker(client: Any, token: str, tally: Tally, seed: int) -> Callable[[], Awaitable[None]]:
    rng = random.Random(seed)

    async def ask() -> None:
        subject, body = f"{_REQUESTS}.{rng.choice(_ANSWERED)}", garbage(rng)
        headers = _headers(rng, token)
        tally.asked += 1
        problem = await _ask(client, subject, body, headers, tally)
        if problem:
            tally.found.append(f"{subject} {body[:120]!r}: {problem}")

    return ask


async def _ask(
    client: Any, subject: str, body: bytes, headers: dict[str, str], tally: Tally
) -> str:
    """Ask, and return what is wrong with the answer; "" when it is as it should be."""
    try:
        reply = await client.request(subject, body, timeout=_PATIENCE_SECONDS, headers=headers)
    except nats.errors.MaxPayloadError:
        return ""
    except (TimeoutError, nats.errors.TimeoutError):
        return f"no answer within {_PATIENCE_SECONDS:g} s"
    except nats.errors.Error as error:
        return f"the connection broke: {error!r}"
    try:
        answer = json.loads(reply.data)
    except ValueError:
        return f"the answer is no JSON: {reply.data[:80]!r}"
    status = answer.get("status") if isinstance(answer, dict) else None
    tally.refused += isinstance(status, int) and status >= 400
    return f"the answer is 500: {answer}" if status == 500 else ""


def _trespasser(client: Any, tally: Tally, seed: int) -> Callable[[], Awaitable[None]]:
    rng = random.Random(1000 + seed)

    async def trespass() -> None:
        tally.trespassed += 1
        # The client knows some of them by itself, or is just connecting again.
        with contextlib.suppress(nats.errors.Error):
            await client.publish(rng.choice(_FORBIDDEN), garbage(rng))
        await asyncio.sleep(_TRESPASS_PAUSE_SECONDS)

    return trespass


def _headers(rng: random.Random, token: str) -> dict[str, str]:
    shown = rng.choices(
        [f"Bearer {token}", "Bearer x", "Bearer " + "a." * 50, "", "\x7f"], [8, 1, 1, 1, 1]
    )[0]
    return {"Authorization": shown} if shown else {}
