"""Nothing in a cycle calls outside: sockets, names, processes and files are refused in its thread.

Python tells of such calls by audit events. The hook stays for the life of the process, because
Python has no way to take one out; in threads that are not guarded it looks at one attribute and
returns. It keeps honest plug-ins honest: one that means harm can go around it.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from evenflow.common.domain.errors import EvenflowError

OnCall = Callable[[str], None]
"""Told the name of the audit event, such as `socket.connect`."""

_FAMILIES: Final = frozenset(
    {"open", "os", "pty", "shutil", "socket", "sqlite3", "subprocess", "tempfile"}
)
# A thread would not be guarded. Older Pythons do not tell of it.
_ALONE: Final = frozenset({"_thread.start_new_thread", "_thread.start_joinable_thread"})
_IMPORT_SYSTEM: Final = ("<frozen importlib", "<frozen zipimport")


class ExternalCall(EvenflowError):
    """What ran in a cycle tried to call outside, and was kept from it."""

    def __init__(self, event: str) -> None:
        """`event` is Python's name of what was tried."""
        super().__init__(f"{event} is not allowed in a cycle, which decides by the log alone")
        self.event = event


class _Here(threading.local):
    """What is so in this thread."""

    on_call: OnCall | None = None


_here: Final = _Here()
_installing: Final = threading.Lock()
_is_installed = False


@contextmanager
def guarded(on_call: OnCall) -> Iterator[None]:
    """Raise `ExternalCall` out of every call outside that this thread tries, and tell of it first.

    Imports are let through: the files that the import system itself reads and writes, not what
    the body of an imported module does. So a core may import late.
    """
    _install()
    before, _here.on_call = _here.on_call, on_call
    try:
        yield
    finally:
        _here.on_call = before


def _install() -> None:
    global _is_installed  # noqa: PLW0603 - once a process: hooks cannot be taken out
    with _installing:
        if not _is_installed:
            sys.addaudithook(_heard)
            _is_installed = True


def _heard(event: str, _arguments: tuple[object, ...]) -> None:
    on_call = _here.on_call
    if on_call is None:
        return
    if event.partition(".")[0] not in _FAMILIES and event not in _ALONE:
        return
    _here.on_call = None  # who is told may call outside, and asking for a frame is an event too
    try:
        if _is_importing(sys._getframe(1)):  # noqa: SLF001 - the only way to see who asks
            return
        on_call(event)
    finally:
        _here.on_call = on_call
    raise ExternalCall(event)


def _is_importing(caller: FrameType) -> bool:
    return caller.f_code.co_filename.startswith(_IMPORT_SYSTEM)
