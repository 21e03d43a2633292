"""`evenflow up` itself: from the plan to the ready line to the last goodbye."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final, TextIO

from evenflow.cli.launcher.heartbeats import login_path, wait_heartbeats
from evenflow.cli.launcher.layout.errors import CannotStart
from evenflow.cli.launcher.layout.plan import Options, Plan, describe, make_plan
from evenflow.cli.launcher.layout.state_file import announce
from evenflow.cli.launcher.process.orphans import end_orphans
from evenflow.cli.launcher.readiness import unready, wait_ready
from evenflow.cli.launcher.services import SERVICES, ServiceSpec
from evenflow.cli.launcher.system import System
from evenflow.cli.launcher.watch import Watch
from evenflow.client.discovery.processes import identity
from evenflow.client.discovery.running import RunningSystem
from evenflow.common.adapters.nats.accounts.identities import READER
from evenflow.common.adapters.nats.accounts.verbs import API_PREFIX
from evenflow.common.runtime import reading
from evenflow.common.runtime.settings import InvalidSettings

_OK, _FAILED, _REFUSED = 0, 1, 2
_AS_ROOT: Final = (
    "runs as root: whoever holds the token of this system runs commands as root. Others' jobs run "
    "as the account of their user, or not at all (docs/accounts.md). Where people need no accounts "
    "on this machine, start it as an account of its own"
)
_STANDS: Final = f"{reading.CONDITION}: "  # in what a service waits for: it does not go on alone
_SILENCE_SECONDS: Final = 3.0  # after this the start says what it waits for


def up(options: Options, services: Sequence[ServiceSpec] = SERVICES) -> int:
    """Run a whole system until a signal comes; returns the exit code.

    0 after an orderly stop, 1 when a part does not come up, 2 when settings, name, port or data
    directory do not allow a start.
    """
    try:
        plan = make_plan(options)
        plan.data.make()
        with plan.data.locked():
            return asyncio.run(_run(plan, services))
    except (InvalidSettings, CannotStart) as error:
        _say("error", str(error))
        return _REFUSED


async def _run(plan: Plan, services: Sequence[ServiceSpec]) -> int:
    if left := end_orphans(plan.data.pids):
        _say("up", f"ended what a killed predecessor left: {', '.join(left)}")
    if os.geteuid() == 0 and not plan.settings.cluster_choice.is_simulated:
        _say("warning", _AS_ROOT)
    system = System(plan, services, _say)
    stopping = asyncio.Event()
    _install_signals(system, stopping)
    state_file, watching = None, None
    code = _OK

    def find_me() -> None:
        nonlocal state_file
        state_file = announce(_state(plan, system, url), plan.state_dir)

    try:
        began = time.monotonic()
        await system.start_servers()
        if not stopping.is_set():
            await system.start_services()
        url = _gateway_url(plan, system)
        talker = asyncio.create_task(_say_what_is_waited_for(system, url, find_me))
        try:
            is_ready = await wait_ready(system.services, plan.data, url, stopping=stopping)
        finally:
            talker.cancel()
        if is_ready:
            token = plan.token_file.read_text(encoding="utf-8").strip()
            await wait_heartbeats(url, token)
            find_me()
            _say_ready(plan, url, time.monotonic() - began)
            watching = asyncio.create_task(
                Watch(system, plan.settings.supervisor.patience.total_seconds()).run(), name="watch"
            )
            watching.add_done_callback(_tell_of_watch)
            await _say_how_to_look(plan, url, token)
        await stopping.wait()
    except CannotStart as error:
        _say("error", str(error))
        code = _FAILED
    finally:
        if watching:
            watching.cancel()
        if state_file:
            state_file.unlink(missing_ok=True)
        await system.stop()
        system.close()
        _say("up", "stopped")
    return code


def _tell_of_watch(watching: asyncio.Task[None]) -> None:
    if not watching.cancelled() and (error := watching.exception()):
        _say("up", f"watches no more what runs: {error!r}")


def _install_signals(system: System, stopping: asyncio.Event) -> None:
    def on_signal(number: signal.Signals) -> None:
        if stopping.is_set():
            _say("up", f"{number.name} again: everything is killed now")
            system.kill()
        else:
            stopping.set()
            _say("up", f"{number.name}: stopping, which takes up to 20 s; once more kills")

    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)


def _gateway_url(plan: Plan, system: System) -> str:
    host = plan.settings.gateway.host
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    shown = f"[{reachable}]" if ":" in reachable else reachable
    scheme = "http" if plan.settings.gateway.tls_cert_file is None else "https"
    return f"{scheme}://{shown}:{system.gateway_port}"


async def _say_what_is_waited_for(system: System, url: str, find_me: Callable[[], None]) -> None:
    """Tell it; and where only a person can help, let commands find the system as it is."""
    told: dict[str, str] = {}
    is_found = False
    while True:
        await asyncio.sleep(_SILENCE_SECONDS)
        waiting = await unready(system.services, system.plan.data, url)
        for name, reason in waiting.items():
            if told.get(name) != reason:
                _say(name, reason)
        told = waiting
        if not is_found and any(_STANDS in reason for reason in waiting.values()):
            find_me()
            is_found = True
            _say("up", f"waits until the log is mended; commands find it at {url}")


def _state(plan: Plan, system: System, url: str) -> RunningSystem:
    return RunningSystem(
        name=plan.name,
        pid=os.getpid(),
        identity=identity(os.getpid()) or "",
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        url=url,
        nats_url=system.nats.url,
        redis_url=system.redis.url,
        data_dir=str(plan.data.root),
        token_file=str(plan.token_file),
        nats_user=READER if system.nats.password_file else plan.settings.nats.user or "",
        nats_api_prefix=API_PREFIX
        if system.nats.password_file
        else plan.settings.nats.api_prefix or "",
        nats_password_file=system.nats.password_file or str(plan.settings.nats.password_file or ""),
        redis_password_file=system.redis.password_file
        or str(plan.settings.redis.password_file or ""),
        version=version("evenflow-client"),
    )


def _say_ready(plan: Plan, url: str, seconds: float) -> None:
    _write(
        sys.stdout,
        f"Evenflow is ready at {url}  ({describe(plan.settings)}; {seconds:.1f} s; "
        f"data in {plan.data.root}; Ctrl-C stops it)\n",
    )


async def _say_how_to_look(plan: Plan, url: str, token: str) -> None:
    if not plan.settings.gateway.require_token:
        _say("warning", "gateway.require_token is false: anybody here may do everything as you")
    if path := await asyncio.to_thread(login_path, url, token):
        _write(sys.stdout, f"Look at it: {url}{path}  (works once; then `evenflow open`)\n")


def _say(who: str, what: str) -> None:
    _write(sys.stderr, f"evenflow {who}: {what}\n")


def _write(stream: TextIO, text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone; the system is not
        stream.write(text)
        stream.flush()
