"""A whole gateway on a log in memory and a real database: a SQLite file or a PostgreSQL."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from evenflow.common.adapters.log.gaps import StoredSpan
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts.subjects import definitions_of
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.facts import cluster, cycle, leader, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.node import Node
from evenflow.common.ports.log import Fence, LogMessage
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.testing.fakes.log import FakeLog, FakeSkips
from evenflow.common.testing.servers.postgres import HOW_TO_GET, PostgresServer, postgres_server
from evenflow.gateway.access.bootstrap import Bootstrap
from evenflow.gateway.access.commands import Access
from evenflow.gateway.access.credentials import Credentials
from evenflow.gateway.alerts.deliveries import AlertPosition
from evenflow.gateway.alerts.tasks import AlertTasks
from evenflow.gateway.assembly import FoldListeners, assemble
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.edge.problems import NoAnswer
from evenflow.gateway.gateway import ClosableReader, Gateway
from evenflow.gateway.startup import prepare
from evenflow.gateway.status.redis_probe import RedisProbe
from evenflow.gateway.view.store import Store
from evenflow.gateway.web import make_app

T0 = 1_700_000_000_000_000
# What these ask the view must be the same in both; the others need only one that is real.
ON_BOTH = ("alerts", "jobs", "migrations", "reservations", "usage", "view")
DatabaseUrls = Callable[[str], str]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    name = metafunc.module.__name__.rpartition("test_")[2]
    if name in ON_BOTH and "database_url" in metafunc.fixturenames:
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def make_context() -> ServiceContext:
    health = Health(service="gateway", shard="main", version="0")
    return ServiceContext(
        settings=Settings(cluster="simulated:2x8"),
        health=health,
        metrics=Metrics(service="gateway", shard="main", version="0"),
        log=structlog.stdlib.get_logger("test"),
    )


def make_store(url: str) -> Store:
    return Store(url, base_every_seconds=3600, base_every_facts=1_000_000)


class NoReceivers:
    """The delivery cursors of a gateway without receivers."""

    async def get(self, receiver: str) -> None:
        raise AssertionError(receiver)

    async def put(self, receiver: str, log_id: str, done: AlertPosition) -> None:
        raise AssertionError((receiver, log_id, done))

    async def forget_dead(self, keep: Collection[str], dead_after: timedelta) -> list[str]:
        del keep, dead_after
        return []


@dataclass
class FakeBus:
    """The bus beside a log in memory; `answers` are what services say, by subject."""

    log: FakeLog
    answers: dict[str, bytes] = field(default_factory=dict)
    is_connected: bool = True
    dead: list[tuple[UnreadableMessage, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known_skips = FakeSkips(self.log)

    async def read_definitions_fence(self) -> Fence:
        return self.log.fence_at(definitions_of("main"))

    @property
    def skips(self) -> FakeSkips:
        return self.known_skips

    async def message_at(self, sequence: int) -> LogMessage | None:
        found = self.log.messages[sequence - 1 : sequence]
        return found[0] if found else None

    async def span(self) -> StoredSpan:
        return StoredSpan(1, self.log.last)

    async def cursors(self) -> dict[str, int]:
        return {}

    async def states(self) -> dict[int, bool]:
        return {}

    async def set_cursors_back(self, to: int) -> None:
        raise AssertionError(to)

    async def put_aside(self, error: UnreadableMessage, data: bytes) -> None:
        self.dead.append((error, data))

    async def open_reader(self, after: int) -> ClosableReader:
        return await self.log.open_reader(after)

    async def ask(self, subject: str, payload: bytes, seconds: float) -> bytes:
        del payload  # the answer is the same whatever is asked
        if subject not in self.answers:
            raise NoAnswer(f"nobody answered on {subject} within {seconds:g} s")
        return self.answers[subject]


@dataclass
class FakeBucket:
    """The bucket of access in memory."""

    note: Callable[[str, bytes | None], None]
    kept: dict[str, bytes] = field(default_factory=dict)

    async def put(self, key: str, value: bytes, seconds: float | None = None) -> None:
        del seconds  # the grant itself says until when it counts
        self.kept[key] = value
        self.note(key, value)

    async def remove(self, key: str) -> bool:
        self.note(key, None)
        return self.kept.pop(key, None) is not None


TOKEN = "the-token-of-the-file"  # noqa: S105 - of these tests
USER = "owner"


def make_access(ctx: ServiceContext) -> Access:
    credentials = Credentials(Bootstrap(TOKEN, USER), SystemClock().now, ctx.log)
    return Access(credentials, FakeBucket(credentials.note), session_seconds=3600)


@dataclass
class Clock:
    """The shard's clock, which stands still until a test moves it."""

    now: int = T0


@dataclass
class Harness:
    """A running gateway, and what the other services would say."""

    log: FakeLog
    store: Store
    follower: Follower
    gateway: Gateway
    client: httpx.AsyncClient
    answers: dict[str, bytes]
    alerts: AlertTasks
    clock: Clock
    bus: FakeBus

    @property
    def owner(self) -> Principal:
        """Who shows the token of the file."""
        bootstrap = self.gateway.part(Access).credentials.bootstrap
        assert bootstrap is not None
        return bootstrap.principal

    async def tell(self, fact: object) -> int:
        sequence = await self.log.append(fact)
        await self.follower.reach(sequence)
        return sequence

    async def nodes(self, count: int = 2, gpus: int = 8) -> None:
        capacity = {"cpu": 64_000, "memory": 512 * 2**30, "gpu": gpus * 1000}
        nodes = tuple(Node(f"n{i}", "simulated", capacity) for i in range(count))
        await self.tell(cluster.Observed("simulated", nodes))

    async def place(self, job_id: str, node: str = "n0", attempt: int = 1) -> None:
        epoch = self.follower.state.epoch or await self.tell(leader.Decided("e", "0"))
        placement = Placement(job_id, attempt, (TaskPlacement(node),))
        decided = cycle.Decided(epoch, self.follower.state.sequence, T0, "0")
        await self.tell(
            cycle.Decided(decided.epoch, decided.saw_sequence, T0, "0", placements=(placement,))
        )

    async def report(
        self,
        job_id: str,
        phase: TaskPhase,
        attempt: int = 1,
        outcome: Outcome | None = None,
        exit_code: int | None = None,
        *,
        at: int = T0,
        started_at: int = T0,
    ) -> None:
        report = runs.RunReport(
            job_id, attempt, phase, at, outcome=outcome, exit_code=exit_code, started_at=started_at
        )
        await self.tell(runs.Reported((report,)))

    async def submit(self, **fields: object) -> str:
        answer = await self.client.post("/api/v1/jobs", json={"name": "j", **fields})
        assert answer.status_code == 201, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    async def apply(self, fleet: str) -> httpx.Response:
        headers = {"Content-Type": "application/yaml"}
        return await self.client.post("/api/v1/apply", content=fleet, headers=headers)

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document


@pytest.fixture
def make_ctx() -> Callable[[], ServiceContext]:
    return make_context


@pytest.fixture
def bearer() -> dict[str, str]:
    """What a client of a gateway with the harness's token shows."""
    return {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """The file of that token, for a gateway that is a process."""
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(TOKEN)
    return path


@pytest.fixture
async def log() -> FakeLog:
    return FakeLog(now=lambda: T0)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    try:
        with postgres_server() as server:
            yield server
    except FileNotFoundError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{error}; `{HOW_TO_GET}` installs it")


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseUrls:
    """The URL of a new database by its name; the same name gives the same database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return lambda name: f"sqlite+aiosqlite:///{tmp_path / name}.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    made: dict[str, str] = {}

    def url_of(name: str) -> str:
        if name not in made:
            made[name] = server.new_database()
        return made[name]

    return url_of


@pytest.fixture
async def harness(database_url: DatabaseUrls, log: FakeLog) -> AsyncIterator[Harness]:
    ctx = make_context()
    store = make_store(database_url("view"))
    alerts = AlertTasks(ctx, store, NoReceivers())
    listeners = FoldListeners(store, alerts)
    follower = Follower(
        ctx,
        log.open_reader,
        log.log_id,
        on_folded=listeners.on_folded,
        on_batch=listeners.on_batch,
    )
    await store.open(log.log_id, log.last)
    await store.start(await follower.load(store.bases))
    bus, clock = FakeBus(log), Clock()
    gateway = assemble(
        ctx,
        bus=bus,
        log=log,
        follower=follower,
        listeners=listeners,
        now=lambda: clock.now,
        access=make_access(ctx),
    )
    gateway.part(RedisProbe).is_connected = True
    folding = asyncio.create_task(follower.run())
    await prepare(gateway, store)
    transport = httpx.ASGITransport(make_app(gateway))
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://localhost",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield Harness(log, store, follower, gateway, client, bus.answers, alerts, clock, bus)
    ctx.stopping.set()
    folding.cancel()
    await asyncio.gather(folding, return_exceptions=True)
    await store.close()
