"""What the demo submits, and how each job is expected to end. Pure."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evenflow.client.models.jobs import JobRequest

QUEUES: Final = ("research", "production", "students")
USERS: Final = {
    "research": ("ada", "emmy"),
    "production": ("grace", "edsger"),
    "students": ("ann", "ben", "cem", "dana"),
}
# 12 places of an eighth of a core divide evenly by 3 : 2 : 1, and half a core is left for the
# services on a machine of two cores.
CPU: Final = "125m"
CAPACITY: Final = {"cpu": "1500m", "memory": "3Gi"}
MEMORY: Final = "128Mi"
ROUNDS: Final = 22
URGENT: Final = 90
GANG: Final = "gang-of-three"
FAILING: Final = "failing"
ENDLESS: Final = "endless"
FLAKY: Final = "flaky"

_WORK: Final = Path(__file__).with_name("programs.py")
_KINDS: Final = (
    ("primes", "150000"),
    ("gzip", "1"),
    ("sort", "700000"),
    ("bz2", "5"),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One job of the demo and the end it shall have."""

    request: JobRequest
    status: str = "succeeded"
    exit_code: int | None = 0
    attempt: int = 1


def plan(directory: Path) -> list[Planned]:
    """Return all jobs in order of submission; they run in `directory`."""
    jobs = list(_special(directory))
    for number in range(ROUNDS):
        for queue in QUEUES:
            verb, argument = _KINDS[(number + len(queue)) % len(_KINDS)]
            name = f"{verb}-{queue[:3]}-{number + 1:02d}"
            priority = URGENT if queue == "production" and number >= ROUNDS - 2 else 0
            jobs.append(
                Planned(
                    _request(name, queue, number, directory, [verb, argument], priority=priority)
                )
            )
    return jobs


def _special(directory: Path) -> Iterator[Planned]:
    gang = _request(GANG, "research", 0, directory, ["meet", str(directory / "meeting")])
    yield Planned(gang | {"tasks": 3, "description": "three tasks that wait for each other"})
    failing = _request(FAILING, "students", 1, directory, ["fail", "7"])
    yield Planned(failing, "failed", 7)
    endless = _request(ENDLESS, "students", 2, directory, ["spin"])
    yield Planned(endless | {"time_limit_seconds": 3.0}, "timeout", None)
    flaky = _request(FLAKY, "production", 1, directory, ["flaky"])
    yield Planned(flaky | {"retry_limit": 2}, attempt=2)


def _request(
    name: str, queue: str, number: int, directory: Path, words: list[str], *, priority: int = 0
) -> JobRequest:
    users = USERS[queue]
    return {
        "name": name,
        "queue_id": queue,
        "user_id": users[number % len(users)],
        "priority": priority,
        "cpu_request": CPU,
        "memory_request": MEMORY,
        "executor_config": {
            "command": [sys.executable, "-S", "-E", str(_WORK), *words],
            "working_directory": str(directory),
        },
    }
