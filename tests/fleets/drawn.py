"""Random queues, jobs, quotas, settings and reservations, of few kinds, so that they meet."""

from random import Random
from typing import Any

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import AntiAffinity, Constraints, TaskGroup
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.common.testing.builders import a_queue, a_reservation
from tests.fleets.usage import used

LEAVES = ("a/x", "a/y/z", "b/x", "b/w", "c")
POLICIES = (
    None,
    "fifo",
    "priority",
    "fairshare",
    "fair-tree",
    "multifactor",
    "shortest-first",
    "deadline",
)
USERS = ("ann", "bob", "eve")
PLACES = (
    Constraints(),
    Constraints(),
    Constraints(selector={"disk": ("ssd",)}),
    Constraints(anti_affinity=AntiAffinity()),
    Constraints(preferred_level="rack"),
    Constraints(required_level="rack"),
    Constraints(strategy="spread"),
    Constraints(strategy="least-fragmentation"),
)


def fields_of_a_job(pick: Random, now: Instant) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "queue": pick.choice(LEAVES),
        "user": pick.choice(USERS),
        "priority": pick.choice((0, 0, 50, 90)),
        "preemptible": pick.random() < 0.8,
        "retry_limit": pick.randint(0, 1),
        "job_type": pick.choice(("training", "inference")),
        "constraints": pick.choice(PLACES),
        "submitted_at": now,
        "deadline_at": pick.choice((None, now + 1, now + 30_000_000)),
        "estimated_duration_us": pick.choice((None, 4_000_000, 60_000_000, 600_000_000)),
        "time_limit_us": pick.choice((None, 5_000_000, 300_000_000)),
    }
    request = {
        "cpu": pick.choice((500, 1000, 2000)),
        "gpu": pick.choice((0, 500, 600, 1000, 2000)),
    }
    if pick.random() < 0.2:
        group = TaskGroup("worker", pick.randint(2, 5), request, min_tasks=pick.randint(1, 2))
        return fields | {"groups": (group,), "tasks": group.tasks, "resources": {}}
    return fields | {"tasks": pick.choice((1, 1, 1, 3, 40)), "resources": request}


def a_random_queue(pick: Random, path: str) -> Queue:
    return a_queue(
        path,
        weight=pick.choice((0.0, 1.0, 3.0)),
        priority=pick.choice((0, 0, 5)),
        policy=pick.choice(POLICIES),
        enabled=pick.random() < 0.9,
        deserved=pick.choice((None, {"cpu": 2000})),
        limit=pick.choice((None, None, {"cpu": 3000}, {"gpu": 2000})),
        max_concurrent_jobs=pick.choice((None, None, 1, 2)),
        target_wait_us=pick.choice((None, None, 0, 4_000_000)),
    )


def a_random_quota(pick: Random, path: str) -> Quota:
    return Quota(
        path,
        pick.choice(({}, {"cpu": 5000}, {"gpu": 3000})),
        max_jobs=pick.choice((None, 2)),
        max_by_type=pick.choice(({}, {"training": 1})),
        gpu_hours=pick.choice((None, 1)),
        period="day",
    )


def random_settings(pick: Random) -> SchedulerSettings:
    return SchedulerSettings(
        policy=pick.choice(POLICIES[1:]),
        strict_order=pick.random() < 0.6,
        max_placements=pick.choice((1, 3, 500)),
        reclaim=pick.random() < 0.8,
        preempt=pick.random() < 0.8,
        consolidate=pick.random() < 0.5,
        preemption_scope=pick.choice(("project", "cluster")),
        most_victims=pick.choice((1, 2, 5)),
        minimum_run_us=pick.choice((0, 0, 4_000_000)),
        lost_gpu_per_cycle=pick.choice((None, None, 5_000)),
        lost_gpu_per_hour=pick.choice((None, None, 50_000)),
        backfill=pick.choice(("easy", "easy", "conservative", "off")),
        backfill_order=pick.choice(("fcfs", "shortest")),
        backfill_reservations=pick.choice((1, 1, 3)),
        estimates=pick.choice(("limit", "limit", "mean2", "learned")),
        backfill_tested_jobs=pick.choice((None, None, 2)),
        strategy=pick.choice(("pack", "spread", "least-fragmentation")),
        k=pick.choice((0.0, 1.0, 5.0)),
        fairness_mode=pick.choice(("corrected", "corrected", "kai")),
    )


def a_random_reservation(pick: Random, name: str, now: Instant) -> Reservation:
    start = now + pick.choice((0, 1_000_000, 20_000_000))
    return a_reservation(
        name,
        queue=pick.choice((*LEAVES, "a")),
        start_at=start,
        end_at=start + pick.choice((1_000_000, 30_000_000)),
        created_at=now,
        tasks=pick.randint(1, 5),
        resources=pick.choice(({"gpu": 1000}, {"gpu": 2000, "cpu": 500}, {"cpu": 4000})),
        constraints=pick.choice(
            (
                Constraints(),
                Constraints(selector={"disk": ("ssd",)}),
                Constraints(anti_affinity=AntiAffinity()),
                Constraints(required_level="rack"),
            )
        ),
    )


def random_columns(pick: Random, names: list[str]) -> dict[str, Any]:
    """Return what some of these have used."""
    known = [name for name in names if pick.random() < 0.8]
    return used({name: round(pick.random(), 3) for name in known})
