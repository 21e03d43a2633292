"""One run, from its directory to its exit code: start the command, watch it, write its end down.

Runs in a process of its own, forked from the zygote, and needs neither zygote nor executor then.
"""

import json
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, TypedDict

from evenflow.common.adapters.local.runner import command
from evenflow.common.adapters.local.runner import run_directory as rundir
from evenflow.common.adapters.local.runner.process import identify
from evenflow.common.adapters.local.runner.run_directory import Record, ending

CHECK_SECONDS: Final = 1.0  # how often stop.json is looked for when no signal comes
NOTIFY_SECONDS: Final = 1.0
RECORD_SECONDS: Final = 600.0  # how long the end is kept trying to reach a full disk
LEFTOVER_SECONDS: Final = 5.0


class Request(TypedDict):
    """What the executor asks the zygote for."""

    token: str
    directory: str  # of the run
    order: Record  # kept in order.json, for people
    argv: list[str]
    env: dict[str, str]
    working_directory: str
    limit_seconds: float | None
    grace_seconds: float
    data_limit: int | None  # bytes
    cpus: list[int]


def run(request: Request) -> None:
    """Run the command of `request` unless its token is alive, over or stopped; tell which."""
    os.setsid()
    signals = _Signals()
    directory = Path(request["directory"])
    token = request["token"]
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        lock = rundir.take_lock(directory)
        if lock is None:
            return  # its runner tells the rest
        # Before looking at stop.json: who writes that file afterwards finds us here and sends a
        # signal.
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps(identify(os.getpid())._asdict()).encode(), 0)
        if any((directory / name).exists() for name in (rundir.EXIT, rundir.STARTED, rundir.STOP)):
            _tell(directory, {"token": token, "exit": rundir.settle(directory)})
            return
        rundir.write(directory / rundir.ORDER, request["order"])
        child = command.prepare(request["argv"], request["env"], directory, _limits(request))
    except OSError as error:
        end = ending("refused", f"cannot start here: {error}", retryable=True)
        _record(directory, token, end, seconds=0)
        return
    _record(directory, token, _watch(request, directory, child, signals))


def _limits(request: Request) -> command.Limits:
    return command.Limits(request["working_directory"], request["data_limit"], request["cpus"])


def _watch(request: Request, directory: Path, child: command.Child, signals: "_Signals") -> Record:
    """Let the prepared command go, and return its ending once nothing of it is alive."""
    started_at = rundir.wall_us()
    started = {
        "token": request["token"],
        "runner_pid": os.getpid(),
        "started_at": started_at,
        "cpus": request["cpus"],
        **identify(child.pid)._asdict(),
    }
    try:
        rundir.write(directory / rundir.STARTED, started)  # from here on it may have had effects
    except OSError as error:
        child.abandon()
        return ending("refused", f"cannot start here: {error}", retryable=True)
    failure = child.go()
    if failure is not None:
        os.waitpid(child.pid, 0)
        outcome, code, message = failure
        return ending(
            outcome,
            message,
            exit_code=code,
            started_at=None if outcome == "refused" else started_at,
            retryable=outcome == "refused",
        )
    _tell(directory, {"token": request["token"], "started": started})
    status, cause = _wait(request, directory, child.pid, signals)
    _end_descendants()
    code = os.waitstatus_to_exitcode(status)
    outcome, message = cause or ("succeeded" if code == 0 else "failed", _signal_message(code))
    return ending(
        outcome, message, exit_code=code if code >= 0 else 128 - code, started_at=started_at
    )


def _wait(
    request: Request, directory: Path, pid: int, signals: "_Signals"
) -> tuple[int, tuple[str, str] | None]:
    """Return the command's wait status, and why it was stopped when it was us who stopped it."""
    limit = request["limit_seconds"]
    end_by = None if limit is None else time.monotonic() + limit
    cause: tuple[str, str] | None = None
    wake_at = end_by  # the limit, then the end of the grace
    while True:
        patience = CHECK_SECONDS
        if wake_at is not None:
            patience = min(patience, max(0.0, wake_at - time.monotonic()))
        signals.wait(patience)
        status = _reap(pid)
        if status is not None:
            return status, cause
        now = time.monotonic()
        if cause is None:
            cause = _cause(directory, signals, limit if end_by and now >= end_by else None)
            if cause is not None:
                _signal_group(pid, signal.SIGTERM, signal.SIGCONT)
                wake_at = now + request["grace_seconds"]
        elif wake_at is not None and now >= wake_at:
            _signal_group(pid, signal.SIGKILL)
            wake_at = now + CHECK_SECONDS


def _cause(
    directory: Path, signals: "_Signals", passed_limit: float | None
) -> tuple[str, str] | None:
    """Return (outcome, message) when the command has to end now."""
    stop = rundir.read(directory / rundir.STOP)
    if stop is not None:
        return stop.get("outcome", "stopped"), "stopped on request"
    if signals.is_terminated:
        return "stopped", "its runner was told to end"
    if passed_limit is not None:
        return "timeout", f"stopped at its time limit of {passed_limit:g} s"
    return None


def _reap(pid: int) -> int | None:
    """Collect ended children; the wait status of `pid` when it is among them.

    The group is killed before its leader is collected: until then its number cannot be given away.
    """
    while (ended := _ended_child()) is not None:
        if ended == pid:
            _signal_group(pid, signal.SIGKILL)
        _, status = os.waitpid(ended, 0)
        if ended == pid:
            return status
    return None


def _ended_child() -> int | None:
    """Return a child that has ended and is not collected yet."""
    with suppress(ChildProcessError):
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return None if ended is None else ended.si_pid
    return None


def _end_descendants() -> None:
    """Kill what left the group but is still ours (we are its reaper) until none is alive."""
    give_up_at = time.monotonic() + LEFTOVER_SECONDS
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with suppress(ChildProcessError):
        while time.monotonic() < give_up_at:
            reaped, _ = os.waitpid(-1, os.WNOHANG)
            if reaped:
                continue
            with suppress(OSError):
                for pid in children.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.001)


def _signal_group(pid: int, *signums: int) -> None:
    for signum in signums:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signum)


def _signal_message(code: int) -> str:
    if code >= 0:
        return ""
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _record(directory: Path, token: str, end: Record, seconds: float = RECORD_SECONDS) -> None:
    """Write the end down, then tell it; a full disk delays the first, never the second."""
    give_up_at = time.monotonic() + seconds
    is_told = False
    while True:
        try:
            rundir.write(directory / rundir.EXIT, end)
            break
        except OSError:
            if not is_told:
                _tell(directory, {"token": token, "exit": end})
                is_told = True
            if time.monotonic() >= give_up_at:
                break
            time.sleep(CHECK_SECONDS)
    if not is_told:
        _tell(directory, {"token": token, "exit": end})


def _tell(directory: Path, news: Record) -> None:
    """Write one line to every listening executor; best effort, they look at the directories too."""
    line = json.dumps(news).encode() + b"\n"
    with suppress(OSError):
        for listener in (directory.parent / rundir.LISTENERS).iterdir():
            if listener.name.startswith("."):
                continue
            try:
                fd = os.open(listener, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads it: its executor died
                with suppress(OSError):
                    listener.unlink()
                continue
            try:
                _write_whole(fd, line)
            finally:
                os.close(fd)


def _write_whole(fd: int, line: bytes) -> None:
    """Lines are shorter than PIPE_BUF, so each is written whole or not at all."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    give_up_at = time.monotonic() + NOTIFY_SECONDS
    while time.monotonic() < give_up_at:
        try:
            os.write(fd, line)
        except BlockingIOError:
            poll.poll(50)
        except OSError:
            return
        else:
            return


class _Signals:
    """SIGCHLD and SIGTERM as something to wait for; neither is ever missed between two waits."""

    def __init__(self) -> None:
        self.is_terminated = False
        self._pipe, write_end = os.pipe()
        os.set_blocking(self._pipe, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for signum in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(signum, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)

    def wait(self, seconds: float) -> None:
        """Return when a signal came, or after `seconds`."""
        if self._poll.poll(int(seconds * 1000) + 1):
            with suppress(BlockingIOError):
                self.is_terminated |= signal.SIGTERM in os.read(self._pipe, 4096)
