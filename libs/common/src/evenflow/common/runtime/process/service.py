"""The life of a service process: settings, logs, health, start, supervision, drain, exit code."""

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NoReturn

from starlette.applications import Starlette

from evenflow.common.domain.errors import EvenflowError
from evenflow.common.runtime.http.server import serving
from evenflow.common.runtime.logging import configure_logging
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.context import ServiceContext, StopCause
from evenflow.common.runtime.process.health import Health, health_routes
from evenflow.common.runtime.process.signals import hold_leash, install_signals
from evenflow.common.runtime.settings import InvalidSettings, Settings, config_file, load
from evenflow.common.runtime.settings.files import unreadable_files
from evenflow.common.runtime.settings.unused import unused_variables

__all__ = ["ServiceContext", "StopCause", "run_service", "serve_until_stopped"]

ServiceMain = Callable[[ServiceContext], Awaitable[None]]
"""Runs until `ctx.stopping` is set, then leaves its connections and returns: that is the drain."""
Check = Callable[[Settings], None]
"""Judges what the service is to use, and raises InvalidSettings (CFG-06)."""

STATUS_FILE_VARIABLE: Final = "EVENFLOW_STATUS_FILE"
DRAIN_SECONDS: Final = 10.0  # FAIL-11
# Servers die with the supervisor: what cannot be flushed in this time has nowhere to go.
_LEASH_DRAIN_SECONDS: Final = 4.0
_OK, _CRASHED, _BAD_SETTINGS = 0, 1, 2
_COLLECT_AFTER: Final = (50_000, 20, 100)
"""Allocations before a young collection, young ones before a middle one, middle before a full."""


def run_service(
    name: str,
    main: ServiceMain,
    *,
    check: Check | None = None,
    drain_seconds: float = DRAIN_SECONDS,
    arguments: Sequence[str] | None = None,
) -> NoReturn:
    """Run a service as this process: the body of every `main()` in an `app.py`.

    Exits with 0 when it drained after SIGTERM, SIGINT or the death of its supervisor, with 1 when
    a task failed or the drain took longer than `drain_seconds`, with 2 when the settings are bad,
    by their own rules or by `check`.
    """
    parser = argparse.ArgumentParser(prog=f"evenflow-{name}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (evenflow.yaml)")
    parser.add_argument(
        "--check-config", action="store_true", help="judge the settings and start nothing"
    )
    parser.add_argument("--version", action="version", version=_version(name))
    options = parser.parse_args(arguments)
    try:
        settings = load(options.config)
        _check(settings, check, name if options.check_config else None)
    except InvalidSettings as error:
        sys.stderr.write(f"evenflow-{name}: {error}\n")
        sys.exit(_BAD_SETTINGS)
    for told in unused_variables(os.environ):
        sys.stderr.write(f"evenflow-{name}: warning: {told}\n")
    if options.check_config:
        sys.stdout.write("the configuration is valid\n")
        sys.exit(_OK)
    _tune_collector()
    config = config_file(options.config)
    if config is not None:
        # Processes that this one starts (the checkpointer) read the same file, wherever they run.
        os.environ["EVENFLOW_CONFIG"] = str(config.resolve())
    work = serve_until_stopped(name, main, settings, config=config, drain_seconds=drain_seconds)
    sys.exit(asyncio.run(work))


def _check(settings: Settings, check: Check | None, files_of: str | None) -> None:
    """Judge what is more than the settings' own rules; `files_of` names whose files to look at.

    Raises:
        InvalidSettings: with every problem of both.
    """
    problems = [] if files_of is None else unreadable_files(settings, files_of)
    try:
        if check is not None:
            check(settings)
    except InvalidSettings as error:
        known = {problem.key for problem in problems}
        problems += [problem for problem in error.problems if problem.key not in known]
    if problems:
        raise InvalidSettings(problems)


def _tune_collector() -> None:
    """Look for garbage cycles seldom, and never among what was imported.

    A fold makes many objects that live long and few cycles; with the defaults the collector looks
    at all of them again and again.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


async def serve_until_stopped(
    name: str,
    main: ServiceMain,
    settings: Settings,
    *,
    config: Path | None = None,
    drain_seconds: float = DRAIN_SECONDS,
) -> int:
    """Run a service in the current loop and return its exit code; see `run_service`.

    `config` is the file that the settings came from, for those who read it again.
    """
    log = configure_logging(settings.log, service=name, shard=settings.shard.name)
    health = Health(service=name, shard=settings.shard.name, version=_version(name))
    metrics = Metrics(service=name, shard=settings.shard.name, version=health.version)
    ctx = ServiceContext(settings=settings, health=health, metrics=metrics, log=log, config=config)
    app = Starlette(routes=health_routes(health, metrics))
    try:
        async with serving(app, settings.bind.host, settings.bind.port, drain_seconds=1) as url:
            health.url = url
            work = asyncio.create_task(_guarded(ctx, main), name="main")
            _watch_for_the_end(ctx, work)
            _write_status(health)
            log.info("service_started", pid=os.getpid(), url=url, version=health.version)
            await ctx.stopping.wait()
            log.info("service_stopping", cause=str(ctx.stop_cause))
            is_drained = await _drain(ctx, work, drain_seconds)
    except EvenflowError as error:
        log.error("service_failed", reason=str(error))  # noqa: TRY400 - the reason says it all
        return _CRASHED
    log.info("service_stopped", cause=str(ctx.stop_cause), drained=is_drained)
    return _CRASHED if ctx.has_crashed or not is_drained else _OK


def _watch_for_the_end(ctx: ServiceContext, work: asyncio.Task[None]) -> None:
    def on_stop(cause: StopCause) -> None:
        if ctx.stop_cause is not None and cause is not StopCause.LEASH:
            ctx.log.warning("drain_cut_short", signal=cause.value)
            work.cancel()
        ctx.stop(cause)

    install_signals(on_stop)
    hold_leash(on_stop)


async def _guarded(ctx: ServiceContext, main: ServiceMain) -> None:
    try:
        await main(ctx)
    except Exception as error:  # noqa: BLE001 - here every failure becomes a story and an exit code
        ctx.crash("main", error)
    else:
        ctx.stop(StopCause.RETURNED)


async def _drain(ctx: ServiceContext, work: asyncio.Task[None], seconds: float) -> bool:
    """Wait for the service to leave by itself; whether it did in time."""
    limit = min(seconds, _LEASH_DRAIN_SECONDS) if ctx.stop_cause is StopCause.LEASH else seconds
    done, _ = await asyncio.wait({work}, timeout=limit)
    is_drained = bool(done) and not work.cancelled()
    if not done:
        ctx.log.error("drain_overran", limit_seconds=limit)
    await ctx.end_tasks(work, within_seconds=1)
    return is_drained


def _write_status(health: Health) -> None:
    """Tell a supervisor where this process answers; whole or not at all."""
    if not (target := os.environ.get(STATUS_FILE_VARIABLE)):
        return
    path = Path(target)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(health.status()), encoding="utf-8")
    draft.replace(path)


def _version(name: str) -> str:
    try:
        return version(f"evenflow-{name}")
    except PackageNotFoundError:
        return version("evenflow-common")
