"""What it costs that the broker acknowledges nothing before it is on disk, printed as a table.

Rounds are paired: each starts one system for every setting of `log_store.sync`, one after
the other, so that what else the machine does falls on all of them. Medians over the rounds.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.live.latency import quantiles
from tests.bench.live.system import System, a_system, simulated_job

_SETTINGS: Final = ("2m", "1s", "always")
_NEVER_RUNS: Final = 3600.0


async def measure(system: System, posts: int, clients: int, batch: int) -> dict[str, float]:
    """Figures of one system: single POSTs one after another, from several clients, and batches."""
    async with httpx.AsyncClient(base_url=system.url, headers=system.headers, timeout=60) as client:

        async def post(number: int) -> float:
            began = time.perf_counter()
            job = simulated_job(number, seconds=_NEVER_RUNS)
            (await client.post("/api/v1/jobs", json=job)).raise_for_status()
            return time.perf_counter() - began

        await post(0)  # the first one opens connections
        alone = [await post(number) for number in range(posts)]
        together, seconds = await _together(post, posts * 2, clients)
        jobs = [simulated_job(number, seconds=_NEVER_RUNS) for number in range(batch)]
        began = time.perf_counter()
        (await client.post("/api/v1/jobs:batch", json={"jobs": jobs})).raise_for_status()
        batched = batch / (time.perf_counter() - began)
    p50, p99 = quantiles(alone)
    many50, many99 = quantiles(together)
    return {
        "one p50 ms": p50,
        "one p99 ms": p99,
        f"{clients} clients p50 ms": many50,
        f"{clients} clients p99 ms": many99,
        f"{clients} clients jobs/s": len(together) / seconds,
        "batch jobs/s": batched,
    }


async def _together(
    post: Callable[[int], Awaitable[float]], posts: int, clients: int
) -> tuple[list[float], float]:
    numbers, taken = iter(range(posts)), []

    async def client() -> None:
        for number in numbers:  # each takes the next one when its last is answered
            taken.append(await post(number))  # noqa: PERF401 - shared, and filled as it comes

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return taken, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--posts", type=int, default=150)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--batch", type=int, default=1000)
    said = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {sync: [] for sync in _SETTINGS}
    for number in range(said.rounds):
        # In turn from another end, so that none is always the first.
        for sync in _SETTINGS if number % 2 == 0 else reversed(_SETTINGS):
            with a_system("simulated:4x8", EVENFLOW_LOG_STORE__SYNC=sync) as system:
                figures = asyncio.run(measure(system, said.posts, said.clients, said.batch))
            found[sync].append(figures)
            print(sync, {name: round(value, 1) for name, value in figures.items()}, flush=True)
    names = list(found[_SETTINGS[0]][0])
    print("| `log_store.sync` |", " | ".join(names), "|")
    print("|---|" + "---:|" * len(names))
    for sync, rounds in found.items():
        medians = [statistics.median(figures[name] for figures in rounds) for name in names]
        print(f"| `{sync}` |", " | ".join(f"{value:.1f}" for value in medians), "|")


if __name__ == "__main__":
    main()
