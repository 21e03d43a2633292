"""Fork a command that waits, so that its start is written down before it has any effect."""

import ctypes
import errno
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

NOT_EXECUTABLE: Final = 126  # as shells say it
NOT_FOUND: Final = 127
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_OUT_OF_ROOM: Final = {
    errno.ENOMEM,
    errno.EAGAIN,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOSPC,
    errno.EIO,
}
_OF_NODE: Final = {errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE}
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

Failure = tuple[str, int | None, str, bool]
"""(outcome, exit code, message, whether any command would have failed here)."""


class Identity(NamedTuple):
    """The account whose rights a command has."""

    uid: int
    gid: int
    groups: list[int]


class Limits(NamedTuple):
    """Where, within what and as whom a command runs."""

    working_directory: str
    data_bytes: int | None
    cpus: list[int]
    identity: Identity | None = None  # None: what we are


class Child(NamedTuple):
    """A forked command that waits for `go`. It dies when its parent dies."""

    pid: int
    go_pipe: int
    error_pipe: int
    pipes: list[int]  # what it writes to stdout and stderr comes out here
    files: list[int]  # and is kept here

    def go(self) -> Failure | None:
        """Let it execute; returns when it has, or why it could not."""
        os.write(self.go_pipe, b"!")
        os.close(self.go_pipe)
        report = b""
        while part := os.read(self.error_pipe, 4096):
            report += part
        os.close(self.error_pipe)
        return _failure(**json.loads(report)) if report else None

    def abandon(self) -> None:
        """End it before it executed anything."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def prepare(argv: list[str], env: dict[str, str], directory: Path, limits: Limits) -> Child:
    """Fork a child in a session of its own; its output is kept in files of `directory`.

    Raises:
        OSError: the machine has no room for it now.
    """
    if _libc is not None:
        # What the command leaves behind becomes our child, wherever it hid: so it can be found and
        # ended.
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [os.open(directory / name, flags, 0o600) for name in ("stdout", "stderr")]
    (out_read, out_write), (err_read, err_write) = os.pipe(), os.pipe()
    streams = [os.open(os.devnull, os.O_RDONLY), out_write, err_write]
    if limits.identity is not None:
        for fd in streams[1:]:  # a command may open /dev/stdout again, which asks for rights
            os.fchown(fd, limits.identity.uid, limits.identity.gid)
    go_read, go_write = os.pipe()
    error_read, error_write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(go_write)  # else the end of our parent would not end our wait
            _become(argv, env, limits, streams=streams, go=go_read, parent=parent)
        except OSError as error:
            os.write(error_write, _report(argv, limits, error))
        finally:
            os._exit(NOT_FOUND)
    for fd in (*streams, go_read, error_write):
        os.close(fd)
    return Child(pid, go_write, error_read, [out_read, err_read], files)


def _become(
    argv: list[str],
    env: dict[str, str],
    limits: Limits,
    *,
    streams: list[int],
    go: int,
    parent: int,
) -> NoReturn:
    os.setsid()
    _die_with(parent)
    signal.set_wakeup_fd(-1)
    for signum in (
        signal.SIGCHLD,
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGPIPE,
        signal.SIGXFSZ,
    ):
        signal.signal(signum, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.data_bytes is not None:
        with suppress(OSError, ValueError):  # where the system allows
            resource.setrlimit(resource.RLIMIT_DATA, (limits.data_bytes, limits.data_bytes))
    if limits.cpus:
        with suppress(OSError, AttributeError):
            os.sched_setaffinity(0, limits.cpus)
    for target, fd in enumerate(streams):
        os.dup2(fd, target)
    if limits.identity is not None:
        _change_account(limits.identity)
        _die_with(parent)  # the kernel forgets the wish with the change
    if not os.read(go, 1):
        os._exit(NOT_FOUND)
    os.chdir(limits.working_directory)  # after the change: the account must be able to
    os.execvpe(argv[0], argv, env)  # noqa: S606 - no shell is the point


def _die_with(parent: int) -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(NOT_FOUND)


def _change_account(identity: Identity) -> None:
    """Become the account for good: no id of ours is kept anywhere."""
    os.setgroups(identity.groups)
    if hasattr(os, "setresuid"):
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    else:
        os.setgid(identity.gid)
        os.setuid(identity.uid)


def _report(argv: list[str], limits: Limits, error: OSError) -> bytes:
    # A missing interpreter is reported for the script's name too, so the place is told by what was
    # tried.
    return json.dumps(
        {
            "what": f"working directory {limits.working_directory}"
            if _is_out_of_reach(limits.working_directory)
            else argv[0][:500],
            "number": error.errno or 0,
            "is_limited": limits.data_bytes is not None or limits.identity is not None,
        }
    ).encode()


def _is_out_of_reach(directory: str) -> bool:
    try:
        return not Path(directory).is_dir() or not os.access(directory, os.X_OK)
    except OSError:  # something above it is closed to this account
        return True


def _failure(what: str, number: int, *, is_limited: bool) -> Failure:
    if number in _OUT_OF_ROOM:
        # With a limit of its own it may be that one, which is nothing to hold against the node.
        node_fault = number in _OF_NODE and not is_limited
        return "refused", None, f"cannot start here: {what}: {os.strerror(number)}", node_fault
    code = NOT_FOUND if number in {errno.ENOENT, errno.ENOTDIR} else NOT_EXECUTABLE
    return "failed", code, f"{what}: {os.strerror(number)}", False
