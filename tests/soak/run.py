"""`make soak`: moderate load through a whole system; what grew by it, each with what cuts it.

Exit code 1 when something grows that nothing cuts, or past its cut; 2 when no work was done.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
import psutil

from tests.chaos.system import System
from tests.soak.growth import Look, Row, grown, table

CONFIG: Final = """\
cluster: simulated:4x8
checkpoint: {every_seconds: 10}
log_store: {max_bytes: 64Mi, keep: 1m}
gateway: {keep_ended_rows: 2000}
usage: {poll_interval: 5s}
"""
_BODY: Final = {"resources": {"gpu": 1}, "executor_config": {"run_seconds": 1}}
_BATCH: Final = 30
_PAUSE_SECONDS: Final = 2.0
_MOST_PENDING: Final = 200
_LOOKS: Final = 60
_STREAM_KINDS: Final = {"KV": "kv", "OBJ": "bases"}


async def soak(minutes: float, home: Path) -> tuple[list[Row], int, float]:
    """Run the load on a system of its own; return what grew, the jobs taken, and the seconds."""
    system = System(home, config=CONFIG)
    try:
        await system.start()
        began = time.monotonic()
        async with httpx.AsyncClient(
            base_url=system.state.url, timeout=60, headers=system.headers
        ) as rest:
            looks = await load(system, rest, minutes * 60)
        return grown(looks), looks[-1].jobs, time.monotonic() - began
    finally:
        await system.end()


async def load(system: System, rest: httpx.AsyncClient, seconds: float) -> list[Look]:
    """Submit jobs at a moderate pace, and look at everything now and then.

    Nothing is submitted while much still waits: a queue that fills is load, not a leak. One job of
    a batch is cancelled, which one that has just ended refuses.
    """
    began, jobs = time.monotonic(), 0
    looks = [look(system, 0)]
    while (passed := time.monotonic() - began) < seconds:
        status = (await rest.get("/api/v1/status")).raise_for_status().json()
        if status["scheduler"]["pending_jobs"] < _MOST_PENDING:
            batch = [{"name": f"s{jobs + number}", **_BODY} for number in range(_BATCH)]
            answer = await rest.post("/api/v1/jobs:batch", json={"jobs": batch})
            answer.raise_for_status()
            first = answer.json()["jobs"][0]["id"]
            cancelled = await rest.post(f"/api/v1/jobs/{first}/cancel", json={})
            if cancelled.status_code != httpx.codes.CONFLICT:
                cancelled.raise_for_status()
            jobs += _BATCH
        if passed >= len(looks) * seconds / _LOOKS:
            looks.append(look(system, jobs))
        await asyncio.sleep(_PAUSE_SECONDS)
    return [*looks, look(system, jobs)]


def look(system: System, jobs: int) -> Look:
    """Return what is held: memory by process, disk by store, the broker's by stream."""
    held = {
        f"memory {name}": psutil.Process(pid).memory_info().rss
        for name, pid in system.pids().items()
    }
    streams = system.data.root / "nats" / "jetstream"
    for store in system.data.root.iterdir():
        if store.is_dir():
            held[f"disk {store.name}"] = _size(store, without=streams)
    # The broker keeps each stream of an account in a folder of its own, some levels down.
    for folder in streams.glob("**/streams/*"):
        if folder.is_dir():
            held[f"{_kind(folder.name)} {folder.name}"] = _size(folder)
    return Look(jobs, held)


def _kind(stream: str) -> str:
    if stream.endswith("_DEAD"):
        return "dead letters"
    if stream.endswith("_samples"):
        return "samples"
    return _STREAM_KINDS.get(stream.partition("_")[0], "log")


def _size(folder: Path, without: Path | None = None) -> int:
    """Return the bytes of all files; one that goes away meanwhile counts nothing."""
    size = 0
    for path in folder.rglob("*"):
        if without is not None and path.is_relative_to(without):
            continue
        try:
            size += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return size


def main() -> int:
    """Print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="evenflow-soak-") as home:
        rows, jobs, seconds = asyncio.run(soak(minutes, Path(home)))
    print(f"{jobs:,} jobs in {seconds:,.0f} s\n\n{table(rows)}\n", flush=True)
    leaks = [row for row in rows if row.leak]
    for row in leaks:
        print(f"{row.what}: {row.leak}")
    print(f"{len(leaks)} of {len(rows)} grow without end" if leaks else "all that grows is cut")
    if not jobs:
        return 2
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main())
