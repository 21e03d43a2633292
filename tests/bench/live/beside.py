"""What others notice of one user who sends all they can: GET /api/v1/status beside 64 connections.

python -m tests.bench.live.beside [seconds]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.chaos.system import System

CONNECTIONS = 64
JOB = {"name": "j", "executor": "simulated", "executor_config": {"run_seconds": 3600}}


async def load(url: str, token: str, seconds: float) -> None:
    """Submit job after job on many connections, and print how many were taken and refused."""
    counts: dict[int, int] = {}
    end = time.monotonic() + seconds

    async def one(client: httpx.AsyncClient) -> None:
        while time.monotonic() < end:
            status = (await client.post("/api/v1/jobs", json=JOB)).status_code
            counts[status] = counts.get(status, 0) + 1

    async with httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {token}"},
        limits=httpx.Limits(max_connections=CONNECTIONS),
        timeout=60,
        trust_env=False,
    ) as client:
        await asyncio.gather(*(one(client) for _ in range(CONNECTIONS)))
    each = ", ".join(f"{status}: {count / seconds:.0f}/s" for status, count in counts.items())
    print(f"  answers to the loader: {each}")


async def main(seconds: float) -> None:
    """Measure beside an admin, whose requests are not counted, and beside a member."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(Path(folder), config="log_store: {sync: 1s}\n")
        try:
            await system.start("--cluster", "simulated:10x8", seconds=120)
            url, headers = system.state.url, system.headers
            async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
                body = {"user_id": "ann", "projects": ["default"], "role": "member"}
                made = (await client.post("/api/v1/tokens", json=body)).raise_for_status()
                tokens = {"an admin": system.state.token(), "a member": made.json()["token"]}
                for who, token in tokens.items():
                    await measure(client, who, token, seconds)
        finally:
            await system.end()


async def measure(client: httpx.AsyncClient, who: str, token: str, seconds: float) -> None:
    """Ask for the status again and again beside a loader, and print how long it took."""
    loader = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.live.beside"),
        *("--load", str(client.base_url), str(seconds)),
        env={"TOKEN": token, "PYTHONPATH": "."},
    )
    await asyncio.sleep(2)
    taken = []
    while loader.returncode is None:
        began = time.perf_counter()
        (await client.get("/api/v1/status", timeout=60)).raise_for_status()
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    p99 = statistics.quantiles(taken, n=100)[98]
    print(
        f"beside {who}: {len(taken)} x GET /api/v1/status, p50 {statistics.median(taken):.3f} s, "
        f"p99 {p99:.3f} s, longest {max(taken):.3f} s"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        import os

        asyncio.run(load(sys.argv[2], os.environ["TOKEN"], float(sys.argv[3])))
    else:
        asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20))
