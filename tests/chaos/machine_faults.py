"""What a machine does to a system: it pauses it, takes its room and its processes, harms its files.

Tried by hand (`make chaos`); what needs root is left out without it, and said so.
"""

import asyncio
import errno
import os
import random
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.chaos.faults import SERVERS_AND_SERVICES, Fault, Struck, fork_server_of
from tests.chaos.system import System, kill

_TROUBLE_SECONDS: Final = 3.0
_FILL: Final = "filler"
_CHUNK: Final = bytes(1 << 20)
_PIDS: Final = Path("/sys/fs/cgroup/pids")


def pause(names: tuple[str, ...], seconds: float) -> Fault:
    """Stop processes for a while, as a suspended machine or a debugger would."""

    async def strike(system: System, struck: Struck) -> None:
        pids = system.pids()
        for name in names:
            os.kill(pids[name], signal.SIGSTOP)
        await asyncio.sleep(seconds)
        for name in names:
            kill(pids[name], signal.SIGCONT)
        struck()

    said = " and ".join(names) if len(names) < 3 else f"{len(names)} at once"
    return Fault(f"{said} paused {seconds:g} s", strike)


def kill_together(*names: str) -> Fault:
    """Two die in the same moment."""

    async def strike(system: System, struck: Struck) -> None:
        for name in names:
            system.kill(name)
        struck()

    return Fault(f"kill -9 {' and '.join(names)}", strike, names[-1])


def kill_while_it_starts(name: str) -> Fault:
    """It dies, and its successor dies on its way up."""

    async def strike(system: System, struck: Struck) -> None:
        await system.killed(name, system.kill(name))
        await asyncio.sleep(random.uniform(0.0, 1.0))
        with suppress(ProcessLookupError):
            system.kill(name)
        struck()

    return Fault(f"{name} killed while it starts", strike, name)


def harmed(what: str, victim: str, find: Callable[[Path], Iterable[Path]], *, cut: bool) -> Fault:
    """Files of a victim are cut or have a bit flipped while it is down."""

    async def strike(system: System, struck: Struck) -> None:
        system.kill(victim)
        for path in find(system.data.root):
            _harm(path, cut=cut)
        struck()

    return Fault(f"{what} {'cut' if cut else 'flipped'}", strike, victim)


def _harm(path: Path, *, cut: bool) -> None:
    size = path.stat().st_size
    if cut:
        os.truncate(path, max(0, size - random.randint(1, 100)))
    elif size:
        with path.open("r+b") as file:
            file.seek(at := random.randrange(size))
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 1 << random.randrange(8)]))


def _limited(name: str, limit: int, value: int) -> Fault:
    """The fork server, and so every runner, gets no more of something for a while."""

    async def strike(system: System, struck: Struck) -> None:
        pid = fork_server_of(system)
        allowed = resource.prlimit(pid, limit)
        resource.prlimit(pid, limit, (value, allowed[1]))
        await asyncio.sleep(_TROUBLE_SECONDS)
        with suppress(ProcessLookupError):
            resource.prlimit(pid, limit, allowed)
        struck()

    return Fault(name, strike)


async def _no_forks(system: System, struck: Struck) -> None:
    """Nobody below the fork server can fork: EAGAIN, by a cgroup at its limit."""
    group = _PIDS / f"evenflow-chaos-{os.getpid()}"
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(fork_server_of(system)))
        (group / "pids.max").write_text("1")
        await asyncio.sleep(_TROUBLE_SECONDS)
        (group / "pids.max").write_text("max")
        struck()
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (_PIDS / "cgroup.procs").write_text(pid)
        with suppress(OSError):
            group.rmdir()


async def _full_disk(system: System, struck: Struck) -> None:
    """The disk is full to its last byte, and has room again after a while."""
    filler = system.data.root / _FILL
    end = asyncio.get_running_loop().time() + _TROUBLE_SECONDS
    with filler.open("wb", buffering=0) as file:
        while asyncio.get_running_loop().time() < end:
            try:
                while file.write(_CHUNK):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            await asyncio.sleep(0.05)
    filler.unlink()
    struck()


def _view(root: Path) -> Iterator[Path]:
    yield from root.glob("gateway/view.db")


def _checkpoints(root: Path) -> Iterator[Path]:
    yield from (path for path in root.glob("**/checkpoint*") if path.is_file())


def _valkey(root: Path) -> Iterator[Path]:
    yield from root.glob("valkey/appendonlydir/*.aof")


_PAIRS: Final = (("policy-engine", "binder"), ("nats", "gateway"), ("valkey", "usage-aggregator"))


def machine_faults(*, long: bool = False) -> tuple[Fault, ...]:
    """Return all that can be tried here; `long` pauses take a minute each."""
    lengths = (60.0,) if long else (1.0, 3.0, 10.0)
    faults = [pause((name,), s) for name in SERVERS_AND_SERVICES for s in lengths]
    faults += [pause(SERVERS_AND_SERVICES, s) for s in lengths]
    faults += [kill_together(*pair) for pair in _PAIRS]
    faults += [kill_while_it_starts(name) for name in ("gateway", "binder", "policy-engine")]
    faults += [
        harmed("the view", "gateway", _view, cut=True),
        harmed("Valkey's file", "valkey", _valkey, cut=True),
        _limited("no descriptors for 3 s", resource.RLIMIT_NOFILE, 4),
        _limited("no files for 3 s", resource.RLIMIT_FSIZE, 0),
    ]
    if os.geteuid() == 0:
        faults.append(Fault("disk full for 3 s", _full_disk, needs_disk=True))
    if os.geteuid() == 0 and _PIDS.is_dir():
        faults.append(Fault("no processes for 3 s", _no_forks))
    return tuple(faults)


SHORT: Final = (
    pause(("binder",), 3.0),
    pause(("nats",), 1.0),
    _limited("no files for 3 s", resource.RLIMIT_FSIZE, 0),
    kill_together("policy-engine", "binder"),
)
"""One round of these is a part of `make test`."""


def left_out() -> Iterator[str]:
    """Yield what is not tried here, and why."""
    if os.geteuid() != 0:
        yield "disk full, no processes: they need root (a tmpfs, a pids cgroup)"
    yield "read-only disk: the kernel refuses it while files are open for writing"
    yield "clock jump: the machine's clock is everybody's"
