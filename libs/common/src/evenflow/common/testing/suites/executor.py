# ruff: noqa: S101 - these are tests, though they live in the library that tests import them from
"""What every executor promises, as tests that each implementation inherits.

A test class provides the fixture `cluster`: an `ExecutorHarness` whose executor is open and empty.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.jobs.run import Outcome, token_of
from evenflow.common.ports.executor import Executor, RunEnded, RunEvent, RunOrder, RunStarted

PATIENCE_SECONDS: Final = 30.0
LONG_SECONDS: Final = 1_000.0  # of the shard's clock; no run of a test lasts as long


@dataclass
class ExecutorHarness:
    """An open executor, how to get another one on the same cluster, and how its configs look."""

    executor: Executor
    # Close the executor as a binder that leaves would; open a new one with these orders.
    reopen: Callable[[Sequence[RunOrder]], Awaitable[Executor]]
    # The config of a run of so many seconds on the shard's clock that ends with this exit code.
    config: Callable[[float, int], Mapping[str, object]]
    _events: AsyncIterator[RunEvent] | None = None
    _made: int = 0

    def order(
        self, seconds: float = 0.0, exit_code: int = 0, *, time_limit_us: int | None = None
    ) -> RunOrder:
        """Return the order of a new job of one task."""
        self._made += 1
        job_id = f"0190a0a0-0000-7000-8000-{self._made:012d}"
        return RunOrder(
            token=token_of(job_id, 0, 1),
            job_id=job_id,
            attempt=1,
            task_index=0,
            task_count=1,
            node="here",
            resources={"cpu": 100},
            config=self.config(seconds, exit_code),
            time_limit_us=time_limit_us,
        )

    async def next_event(self) -> RunEvent:
        """Return the next event of the executor."""
        if self._events is None:
            self._events = self.executor.events()
        return await asyncio.wait_for(anext(self._events), PATIENCE_SECONDS)

    async def started(self, token: str) -> RunStarted:
        """Wait until the run is told to have started."""
        while True:
            event = await self.next_event()
            if isinstance(event, RunStarted) and event.token == token:
                return event

    async def ended(self, token: str) -> RunEnded:
        """Wait until the run is told to have ended."""
        while True:
            event = await self.next_event()
            if isinstance(event, RunEnded) and event.token == token:
                return event

    async def restart(self, *orders: RunOrder) -> None:
        """Replace the executor; events of the old one are not read any more."""
        self._events = None
        self.executor = await self.reopen(orders)


class ExecutorSuite:
    """Promises of `ports.executor.Executor`."""

    async def test_a_run_starts_and_then_ends_with_its_exit_code(
        self, cluster: ExecutorHarness
    ) -> None:
        """Both events, in order, told once, with instants in order."""
        order = cluster.order(exit_code=7)
        await cluster.executor.start(order)
        started = await cluster.next_event()
        ended = await cluster.next_event()
        assert isinstance(started, RunStarted)
        assert isinstance(ended, RunEnded)
        assert (ended.outcome, ended.exit_code) == (Outcome.FAILED, 7)
        assert started.at == ended.started_at
        assert started.at <= ended.at

    async def test_exit_code_zero_is_success(self, cluster: ExecutorHarness) -> None:
        """Nothing but the code decides."""
        order = cluster.order()
        await cluster.executor.start(order)
        assert (await cluster.ended(order.token)).outcome is Outcome.SUCCEEDED

    async def test_a_second_start_of_a_live_run_changes_nothing(
        self, cluster: ExecutorHarness
    ) -> None:
        """The run goes on; it is not told to start again."""
        order = cluster.order(LONG_SECONDS)
        await cluster.executor.start(order)
        await cluster.started(order.token)
        await cluster.executor.start(order)
        await cluster.executor.stop(order.token, Outcome.CANCELLED)
        assert isinstance(await cluster.next_event(), RunEnded)

    async def test_a_start_of_an_ended_run_tells_the_same_end(
        self, cluster: ExecutorHarness
    ) -> None:
        """So a binder that lost the report gets it again."""
        order = cluster.order(exit_code=3)
        await cluster.executor.start(order)
        first = await cluster.ended(order.token)
        await cluster.executor.start(order)
        assert await cluster.next_event() == first

    async def test_a_token_stopped_before_its_start_ends_at_once_and_never_starts(
        self, cluster: ExecutorHarness
    ) -> None:
        """The end has no start, and a late start only repeats it."""
        order = cluster.order(LONG_SECONDS)
        await cluster.executor.stop(order.token, Outcome.CANCELLED)
        first = await cluster.next_event()
        await cluster.executor.start(order)
        assert isinstance(first, RunEnded)
        assert (first.outcome, first.started_at) == (Outcome.CANCELLED, None)
        assert await cluster.next_event() == first

    async def test_a_running_run_ends_with_the_outcome_it_is_stopped_with(
        self, cluster: ExecutorHarness
    ) -> None:
        """An eviction is told apart from a cancel."""
        order = cluster.order(LONG_SECONDS)
        await cluster.executor.start(order)
        await cluster.started(order.token)
        await cluster.executor.stop(order.token, Outcome.STOPPED)
        assert (await cluster.ended(order.token)).outcome is Outcome.STOPPED

    async def test_a_run_over_its_time_limit_is_stopped(self, cluster: ExecutorHarness) -> None:
        """The limit is on the shard's clock and counts from the start."""
        order = cluster.order(LONG_SECONDS, time_limit_us=SECOND // 10)
        await cluster.executor.start(order)
        ended = await cluster.ended(order.token)
        assert ended.outcome is Outcome.TIMEOUT
        assert ended.started_at is not None
        assert ended.at - ended.started_at >= SECOND // 10
        assert "time limit of 0.1 s" in ended.message

    async def test_an_open_run_is_adopted_by_the_next_executor(
        self, cluster: ExecutorHarness
    ) -> None:
        """It goes on, is not started again, and its end arrives."""
        order = cluster.order(1.0, 5)
        await cluster.executor.start(order)
        started = await cluster.started(order.token)
        await cluster.restart(replace(order, started_at=started.at))
        ended = await cluster.ended(order.token)
        assert (ended.exit_code, ended.started_at) == (5, started.at)

    async def test_an_adopted_run_can_be_stopped(self, cluster: ExecutorHarness) -> None:
        """Adopting is knowing."""
        order = cluster.order(LONG_SECONDS)
        await cluster.executor.start(order)
        started = await cluster.started(order.token)
        await cluster.restart(replace(order, started_at=started.at))
        await cluster.executor.stop(order.token, Outcome.CANCELLED)
        assert (await cluster.ended(order.token)).outcome is Outcome.CANCELLED

    async def test_an_end_is_told_again_after_open(self, cluster: ExecutorHarness) -> None:
        """A binder that died between act and report learns it."""
        order = cluster.order(0.0, 9)
        await cluster.executor.start(order)
        first = await cluster.ended(order.token)
        await cluster.restart(replace(order, started_at=first.started_at))
        assert await cluster.ended(order.token) == first

    async def test_open_starts_nothing(self, cluster: ExecutorHarness) -> None:
        """An order that nobody started waits for `start`."""
        waiting, other = cluster.order(), cluster.order()
        await cluster.restart(waiting)
        await cluster.executor.start(other)
        assert (await cluster.next_event()).token == other.token

    async def test_output_of_an_ended_run_has_an_end(self, cluster: ExecutorHarness) -> None:
        """A reader is never left waiting."""
        order = cluster.order()
        await cluster.executor.start(order)
        await cluster.ended(order.token)
        chunk = await cluster.executor.output(order.token, "stdout", 0, 100)
        assert chunk.is_final
        assert chunk.next_offset == len(chunk.data)

    async def test_events_end_when_the_executor_is_closed(self, cluster: ExecutorHarness) -> None:
        """Whoever reads them is let go."""
        events = cluster.executor.events()
        await cluster.executor.close()
        assert [event async for event in events] == []
