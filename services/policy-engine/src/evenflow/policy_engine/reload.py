"""What cycles decide by may change without a restart (CFG-09): by SIGHUP, or by a changed file."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.runtime.process.context import ServiceContext
from evenflow.common.runtime.settings import InvalidSettings, Settings, load
from evenflow.policy_engine.config import check_plugins, scheduler_settings

OnChange = Callable[[SchedulerSettings], None]

CONDITION: Final = "settings"
"""Of the service's health, while the file holds what was refused."""
_LOOK_SECONDS: Final = 1.0
_LIVE: Final = ("scheduler.", "backfill.", "preemption.", "fairness.")
_NOT_LIVE: Final = frozenset({"scheduler.interval"})  # read where the loop is, not in a cycle

_Seen = tuple[int, int, int] | None
"""What shows that a file is another: time of change, size, inode; None: it is not there."""


async def watch_settings(ctx: ServiceContext, on_change: OnChange) -> None:
    """Call back with new settings whenever they change; until cancelled.

    Settings that cannot be used are refused as a whole: logged, told in the health, and what was
    before stays. Changes of what is not for cycles are named in a warning and wait for a restart.
    """
    watch = _Watch(ctx, on_change)
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    try:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await asked.wait()
            if asked.is_set() or watch.has_settled():
                asked.clear()
                await watch.reload()
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


class _Watch:
    """The file as it was last read, and what came of it."""

    def __init__(self, ctx: ServiceContext, on_change: OnChange) -> None:
        self._ctx = ctx
        self._on_change = on_change
        self._using = scheduler_settings(ctx.settings)
        self._waiting: tuple[str, ...] = ()  # keys that changed and need a restart
        self._read = self._seen = _look(ctx.config)

    def has_settled(self) -> bool:
        """Whether the file is another than was read, and no longer being written."""
        before, self._seen = self._seen, _look(self._ctx.config)
        return self._seen == before and self._seen != self._read

    async def reload(self) -> None:
        self._read = self._seen = _look(self._ctx.config)
        try:
            settings = await asyncio.to_thread(_load, self._ctx.config)
        except InvalidSettings as error:
            told = [str(problem) for problem in error.problems]
            self._ctx.log.error("reload_refused", problems=told)  # noqa: TRY400 - they say it all
            self._ctx.health.warn(CONDITION, f"reload refused: {'; '.join(told)}")
            return
        self._ctx.health.clear(CONDITION)
        self._warn(settings)
        found = scheduler_settings(settings)
        self._ctx.log.info("settings_reloaded", changed=found != self._using)
        if found != self._using:
            self._using = found
            self._on_change(found)

    def _warn(self, settings: Settings) -> None:
        keys = changed_keys(self._ctx.settings, settings)
        changed = tuple(key for key in keys if not _is_live(key))
        if changed and changed != self._waiting:
            self._ctx.log.warning("restart_needed", keys=list(changed))
        self._waiting = changed


def changed_keys(old: BaseModel, new: BaseModel, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys whose values differ, in the order of the settings."""
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, BaseModel) and isinstance(after, BaseModel):
            yield from changed_keys(before, after, f"{prefix}{name}.")
        elif before != after:
            yield prefix + name
    if old.model_extra != new.model_extra:  # settings of installed kinds
        yield prefix.rstrip(".")


def _load(config: Path | None) -> Settings:
    settings = load(config)
    check_plugins(settings)
    return settings


def _look(config: Path | None) -> _Seen:
    try:
        found = config.stat() if config else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def _is_live(key: str) -> bool:
    return key.startswith(_LIVE) and key not in _NOT_LIVE
