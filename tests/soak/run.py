"""`make soak`: moderate load through a whole system; what grew by it, each with what cuts it."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
import psutil

from tests.chaos.system import SERVICE_NAMES, System

CONFIG: Final = """\
cluster: simulated:4x8
checkpoint: {every_seconds: 10}
log_store: {max_bytes: 64Mi, keep: 1m}
gateway: {keep_ended_rows: 2000}
usage: {poll_interval: 5s}
"""
CUT_BY: Final[Mapping[str, str]] = {
    "nats": "log_store.keep and cursors; ages of samples and dead letters; bases are thinned",
    "redis": "the window of usage; the server rewrites its append-only file as it doubles",
    "valkey": "the window of usage; the server rewrites its append-only file as it doubles",
    "gateway": "gateway.keep_ended, keep_ended_rows; usage.history",
    "logs": "rotation by size",
    "runs": "the binder's retention of ended runs",
    "run": "one file a process",
    "secrets": "written once",
}
MEMORY_CUT_BY: Final = "ended jobs leave the state; 50,000 of their ids, 5,000 users are remembered"
_BATCH: Final = 50
_NOISE_BYTES: Final = 256 * 1024


async def soak(minutes: float) -> int:
    """Run the load; print the table; return how many things grew that nothing cuts."""
    system = System(Path(tempfile.mkdtemp(prefix="evenflow-soak-")), config=CONFIG)
    try:
        await system.start()
        async with httpx.AsyncClient(base_url=system.state.url, timeout=30) as rest:
            await load(rest, minutes * 60 / 4)  # caches fill, allocators settle
            before, count = measure(system), await load(rest, minutes * 60 * 3 / 4)
            after = measure(system)
        return report(before, after, count)
    finally:
        await system.end()


async def load(rest: httpx.AsyncClient, seconds: float) -> int:
    """Submit jobs at a moderate pace; return how many."""
    body = {"resources": {"gpu": 1}, "executor_config": {"run_seconds": 1}}
    ends, count = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        jobs = [{"name": f"s{number}", **body} for number in range(_BATCH)]
        answer = await rest.post("/api/v1/jobs:batch", json={"jobs": jobs})
        count += _BATCH if answer.is_success else 0
        await asyncio.sleep(2)
    return count


def measure(system: System) -> dict[str, int]:
    """Return bytes: memory by service, disk by store."""
    found = {}
    for name, pid in system.pids().items():
        if name in SERVICE_NAMES:
            found[f"memory {name}"] = psutil.Process(pid).memory_info().rss
    for store in (system.home / "data").iterdir():
        if store.is_dir():
            files = (path for path in store.rglob("*") if path.is_file())
            found[f"disk {store.name}"] = sum(path.stat().st_size for path in files)
    return found


def report(before: Mapping[str, int], after: Mapping[str, int], jobs: int) -> int:
    """Print a table for docs/benchmarks.md; return how many things grow that nothing cuts."""
    print(f"{jobs:,} jobs\n\n| What | Holds | Grew per 1,000 jobs | Cut by |\n|---|---|---|---|")
    unbounded = 0
    for what, held in sorted(after.items()):
        kind, _, name = what.partition(" ")
        grown = held - before.get(what, 0)
        cut_by = MEMORY_CUT_BY if kind == "memory" else CUT_BY.get(name, "")
        unbounded += not cut_by and grown > _NOISE_BYTES
        each = grown / max(1, jobs) * 1000 / 1024
        print(f"| {what} | {held / 2**20:,.1f} MiB | {each:,.0f} KiB | {cut_by or 'NOTHING'} |")
    return unbounded


def main() -> int:
    """Return 1 when something grows that nothing cuts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    return 1 if asyncio.run(soak(parser.parse_args().minutes)) else 0


if __name__ == "__main__":
    sys.exit(main())
