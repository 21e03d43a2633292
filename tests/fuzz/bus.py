"""Garbage on every subject that an outsider of the broker may publish on, against a live system."""

import asyncio
import json
import random
import time
from typing import Any, Final

import nats
import nats.errors

from tests.fuzz.live import Live
from tests.fuzz.test_parsers import mutated

_VERBS: Final = (
    "jobs.submit", "jobs.submit-batch", "jobs.cancel", "jobs.logs", "jobs.explain", "usage.show",
    "jobs.nothing", "queues.define", "..", "jobs.>", "log.skipped",
)  # fmt: skip
_PATIENCE_SECONDS: Final = 20.0
_SEEDS: Final = (
    b'{"name": "x", "executor": "simulated", "executor_config": {"run_seconds": 1}}',
    b'{"jobs": [{"name": "x"}], "atomic": true}',
    b'{"job_id": "00000000-0000-0000-0000-000000000000"}',
    b'{"job_id": "x", "stream": "stdout", "offset": 0, "limit": 10}',
    b"",
)


async def fuzz_bus(live: Live, seconds: float) -> tuple[int, list[str]]:
    """Return how many messages were sent, and what went wrong."""
    client = await nats.connect(live.nats_url, **live.nats_login, allow_reconnect=True)
    rng, sent, found = random.Random(1), 0, []
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            subject = f"evenflow.v1.cmd.main.{rng.choice(_VERBS)}"
            headers = _headers(rng, live.token)
            body = mutated(rng.choice(_SEEDS), rng)
            sent += 1
            problem = await _ask(client, subject, body, headers)
            if problem:
                found.append(f"{subject} {body[:80]!r}: {problem}")
            if sent % 200 == 0 and (problem := live.trouble()):
                found.append(f"after {sent} messages: {problem}")
                break
    finally:
        await client.close()
    return sent, found


async def _ask(client: Any, subject: str, body: bytes, headers: dict[str, str]) -> str:
    """Ask, and return what is wrong with the answer; "" when it is as it should be."""
    try:
        reply = await client.request(subject, body, timeout=_PATIENCE_SECONDS, headers=headers)
    except (nats.errors.NoRespondersError, nats.errors.BadSubjectError):
        return ""
    except (TimeoutError, nats.errors.TimeoutError):
        return "" if not _is_answered(subject) else f"no answer within {_PATIENCE_SECONDS:g} s"
    except nats.errors.Error as error:
        return f"the connection broke: {error!r}"
    try:
        answer = json.loads(reply.data)
    except ValueError:
        return f"the answer is no JSON: {reply.data[:80]!r}"
    return "the answer is 500" if isinstance(answer, dict) and answer.get("status") == 500 else ""


def _is_answered(subject: str) -> bool:
    return any(subject.endswith(f".{verb}") for verb in _VERBS[:6])


def _headers(rng: random.Random, token: str) -> dict[str, str]:
    shown = rng.choice([f"Bearer {token}", "Bearer x", "Bearer " + "a." * 50, "", "\x7f"])
    return {"Authorization": shown} if shown else {}


def run_bus(live: Live, seconds: float) -> tuple[int, list[str]]:
    """Run `fuzz_bus` in a loop of its own."""
    return asyncio.run(fuzz_bus(live, seconds))
