"""An engine killed with many jobs waiting: how long until its successor leads again."""

import os
import signal
import time
from pathlib import Path

from tests.bench.live.sustained import BATCH
from tests.bench.live.system import System, rss_mib, simulated_job


def restart(system: System, pending: int) -> dict[str, float]:
    """Fill a queue that starts nothing, kill the engine, wait until a new one leads.

    Returns:
        Seconds from the kill to leading, and the engine's memory before and after, MiB.
    """
    queue = {"name": "waiting", "enabled": True, "max_concurrent_jobs": 1}
    system.http.post("/api/v1/queues?project_id=default", json=queue).raise_for_status()
    for start in range(0, pending, BATCH):
        batch = [
            simulated_job(n, seconds=10**6, queue_id="default/waiting")
            for n in range(start, min(start + BATCH, pending))
        ]
        system.http.post("/api/v1/jobs:batch", json={"jobs": batch}).raise_for_status()
    _wait_checkpoint(system, pending)
    before = system.pids()["policy-engine"]
    memory = rss_mib(before)
    os.kill(before, signal.SIGKILL)
    began = time.perf_counter()
    while True:
        engine = system.status()["services"]["policy-engine"]
        if engine["pid"] not in (None, before) and engine["role"] == "leader":
            break
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "rss_before": memory,
        "rss_after": rss_mib(engine["pid"]),
        "rss_peak": _peak_mib(engine["pid"]),
    }


def _wait_checkpoint(system: System, pending: int) -> None:
    """Wait for a checkpoint of the full queue, as an engine that lived long would have."""
    log = system.data / "logs" / "policy-engine.log"
    while system.status()["scheduler"]["pending_jobs"] < pending - 1:
        time.sleep(0.1)
    mark = log.stat().st_size
    while b"checkpoint_taken" not in log.read_bytes()[mark:]:
        time.sleep(0.2)


def _peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0
