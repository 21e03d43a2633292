"""Submit to succeeded, sustained: batches in, the simulated executor, all five services."""

import time

from tests.bench.live.system import System, simulated_job

BATCH = 1000


def sustained(system: System, jobs: int) -> tuple[float, float]:
    """Return jobs/s from the first POST until none is left, and jobs/s of accepting alone."""
    began = time.perf_counter()
    for start in range(0, jobs, BATCH):
        batch = [simulated_job(n) for n in range(start, min(start + BATCH, jobs))]
        answer = system.http.post("/api/v1/jobs:batch", json={"jobs": batch}).raise_for_status()
        refused = [each for each in answer.json()["jobs"] if "error" in each]
        if refused:
            raise RuntimeError(f"{len(refused)} jobs refused: {refused[0]}")
    accepted = time.perf_counter() - began
    system.wait_empty()
    return jobs / (time.perf_counter() - began), jobs / accepted
