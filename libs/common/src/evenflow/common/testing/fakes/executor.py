"""A cluster in memory that a test drives by hand, and executors on it that may come and go.

The cluster outlives its executors, as a real one outlives its binders, and counts what a real one
cannot be asked: how many processes each token ever had.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evenflow.common.adapters.run_events import RunEvents
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import RequestRejected, TemporarilyUnavailable, UnknownRun
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import OutputChunk, RunEnded, RunEvent, RunOrder, RunStarted

REFUSE: Final = "refuse"
"""A config with this key is refused as one that breaks a rule."""


@dataclass(slots=True)
class FakeRun:
    """What the cluster knows of one token."""

    order: RunOrder | None
    started_at: Instant | None = None
    stop: Outcome | None = None
    end: RunEnded | None = None


class FakeCluster:
    """Runs by token. Time stands still unless the test moves `now`.

    Runs start at once while `is_prompt`, and end at once when stopped while `is_obedient`;
    otherwise the test says `begin` and `end`. While `is_away` every call fails.
    """

    def __init__(self, *, is_prompt: bool = True, is_obedient: bool = True) -> None:
        """Nothing runs."""
        self.now: Instant = 1_000_000
        self.is_prompt = is_prompt
        self.is_obedient = is_obedient
        self.is_away = False
        self.runs: dict[str, FakeRun] = {}
        self.processes: Counter[str] = Counter()
        self.calls: list[tuple[str, str]] = []  # every call that got through, with its token
        self.forgotten: set[str] = set()
        self.listeners: list[Callable[[RunEvent], None]] = []

    @property
    def alive(self) -> list[str]:
        """Tokens with a process, oldest first."""
        return [token for token, run in self.runs.items() if run.started_at and not run.end]

    @property
    def waiting(self) -> list[str]:
        """Tokens that were accepted and have no process yet, oldest first."""
        return [token for token, run in self.runs.items() if not (run.started_at or run.end)]

    def attach(self, listener: Callable[[RunEvent], None], orders: Sequence[RunOrder]) -> None:
        """Let an executor listen, and tell it first what its orders have come to."""
        self._answer("open", "")
        self.listeners.append(listener)
        for order in orders:
            run = self.runs.get(order.token)
            if run is None and order.started_at is not None:
                self.runs[order.token] = FakeRun(order, order.started_at)
                self.end(order.token, Outcome.LOST)
            elif run is not None and run.end is not None:
                listener(run.end)
            elif run is not None and run.started_at is not None and order.started_at is None:
                listener(RunStarted(order.token, run.started_at, order.token))

    def detach(self, listener: Callable[[RunEvent], None]) -> None:
        """Tell it nothing more; detaching twice is fine."""
        if listener in self.listeners:
            self.listeners.remove(listener)

    def start(self, order: RunOrder) -> None:
        """Accept a run, once."""
        self._answer("start", order.token)
        if REFUSE in order.config:
            raise RequestRejected(str(order.config[REFUSE]))
        run = self.runs.get(order.token)
        if run is None:
            self.runs[order.token] = FakeRun(order)
            if self.is_prompt:
                self.begin(order.token)
        elif run.end is not None:
            self._tell(run.end)

    def stop(self, token: str, outcome: Outcome) -> None:
        """Ask a run to end; one without a process ends at once and stays ended."""
        self._answer("stop", token)
        run = self.runs.setdefault(token, FakeRun(None))
        run.stop = run.stop or outcome
        if run.end is not None:
            self._tell(run.end)
        elif run.started_at is None or self.is_obedient:
            self.end(token, run.stop)

    def begin(self, token: str) -> None:
        """Make the process of an accepted run."""
        run = self.runs[token]
        run.started_at = self.now
        self.processes[token] += 1
        self._tell(RunStarted(token, self.now, token))

    def end(
        self,
        token: str,
        outcome: Outcome = Outcome.SUCCEEDED,
        exit_code: int | None = None,
        *,
        retryable: bool = False,
    ) -> None:
        """End a run; nothing happens when it has ended."""
        run = self.runs[token]
        if run.end is None:
            run.end = RunEnded(
                token,
                self.now,
                outcome,
                exit_code,
                retryable=retryable,
                started_at=run.started_at,
            )
            self._tell(run.end)

    def _answer(self, call: str, token: str) -> None:
        if self.is_away:
            raise TemporarilyUnavailable("the cluster is away", retry_after_seconds=0.0)
        self.calls.append((call, token))

    def _tell(self, event: RunEvent) -> None:
        for listener in self.listeners:
            listener(event)


class FakeExecutor:
    """`ports.executor.Executor` on a `FakeCluster`."""

    has_slow_start: Final = False

    def __init__(
        self, cluster: FakeCluster, *, output: Mapping[tuple[str, str], bytes] | None = None
    ) -> None:
        """`output` is what runs said, by token and stream."""
        self.cluster = cluster
        self._output = output or {}
        self._events = RunEvents()

    async def open(self, orders: Sequence[RunOrder]) -> None:
        """See the port."""
        self.cluster.attach(self._events.put, orders)

    async def start(self, order: RunOrder) -> None:
        """See the port."""
        self.cluster.start(order)

    async def stop(self, token: str, outcome: Outcome) -> None:
        """See the port."""
        self.cluster.stop(token, outcome)

    async def forget(self, tokens: Sequence[str]) -> None:
        """See the port."""
        self.cluster.forgotten.update(tokens)

    def events(self) -> AsyncIterator[RunEvent]:
        """See the port."""
        return aiter(self._events)

    async def output(self, token: str, stream: str, offset: int, limit: int) -> OutputChunk:
        """See the port."""
        data = self._output.get((token, stream))
        if data is None:
            raise UnknownRun(f"no output of run {token!r}")
        piece = data[offset : offset + limit]
        return OutputChunk(piece, offset + len(piece), offset + len(piece) >= len(data))

    async def close(self) -> None:
        """See the port."""
        self.cluster.detach(self._events.put)
        self._events.close()
