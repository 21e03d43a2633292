"""What a running service is given: its settings, its health, its tasks, and when to stop."""

import asyncio
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from evenflow.common.adapters.async_tasks import end_tasks
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.heartbeat import Publish, send_heartbeats
from evenflow.common.runtime.settings import Settings

_T = TypeVar("_T")


class StopCause(StrEnum):
    """Why the process ends; the first cause stands."""

    TERMINATE = "SIGTERM"  # hand over: another instance goes on
    INTERRUPT = "SIGINT"  # stop the work too
    LEASH = "supervisor gone"
    CRASH = "a task failed"
    RETURNED = "the service returned"


class ServiceContext:
    """One service process. Made by `run_service`; lives as long as the process."""

    def __init__(
        self,
        *,
        settings: Settings,
        health: Health,
        metrics: Metrics,
        log: Logger,
        config: Path | None = None,
    ) -> None:
        """Keep what every part of the service needs; `config` is the file of the settings."""
        self.settings: Final = settings
        self.config: Final = config
        self.health: Final = health
        self.metrics: Final = metrics
        self.log: Final = log
        self.stopping: Final = asyncio.Event()
        """Set once, when the service shall leave its main coroutine and drain."""
        self.stop_cause: StopCause | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def must_stop_jobs(self) -> bool:
        """Whether work started here ends with this process (SIGINT); else it is left running."""
        return self.stop_cause is StopCause.INTERRUPT

    @property
    def has_crashed(self) -> bool:
        """Whether a supervised task failed."""
        return self.stop_cause is StopCause.CRASH

    def stop(self, cause: StopCause) -> None:
        """Ask the service to drain and end; later causes change nothing."""
        if self.stop_cause is None:
            self.stop_cause = cause
            self.health.is_stopping = True
            self.stopping.set()

    def spawn(self, work: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
        """Run a coroutine in the background, supervised.

        When it raises, the failure is logged with its story, the service is not ready any more,
        drains and exits with 1. Tasks left when the service has drained are cancelled.
        """
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def heartbeat(self, publish: Publish) -> asyncio.Task[None]:
        """Send the heartbeat every second through `publish(subject, payload)`."""
        return self.spawn(send_heartbeats(self.health, publish, self.log), "heartbeat")

    def crash(self, name: str, error: BaseException) -> None:
        """Tell the story of a failure and stop as crashed."""
        story = list(error.story) if isinstance(error, BrokenInvariant) else []
        if self.stop_cause not in (None, StopCause.CRASH):
            # Connections close while the service drains: what fails now is a consequence.
            self.log.warning("task_failed_while_draining", task=name, error=str(error))
            return
        self.log.error("task_failed", task=name, story=story, exc_info=error)
        self.health.fail(f"task.{name}", str(error) or type(error).__name__)
        self.stop(StopCause.CRASH)

    async def end_tasks(self, *more: asyncio.Task[Any], within_seconds: float) -> None:
        """End what still runs in the background, and `more`; what ignores that is left behind."""
        await end_tasks({*self._tasks, *more}, within_seconds=within_seconds)

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.crash(task.get_name(), error)
