"""What tells a process to end: signals, and the leash that ties it to its supervisor."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from typing import Final

from evenflow.common.domain.errors import EvenflowError
from evenflow.common.runtime.process.context import StopCause

LEASH_VARIABLE: Final = "EVENFLOW_LEASH_FD"
_CAUSES: Final = {signal.SIGTERM: StopCause.TERMINATE, signal.SIGINT: StopCause.INTERRUPT}

OnStop = Callable[[StopCause], None]


def install_signals(on_stop: OnStop) -> None:
    """Call `on_stop` at every SIGTERM and SIGINT, from the running loop."""
    loop = asyncio.get_running_loop()
    for number, cause in _CAUSES.items():
        loop.add_signal_handler(number, on_stop, cause)


def hold_leash(on_stop: OnStop) -> None:
    """Call `on_stop` when the supervisor is gone; without a leash in the environment, never.

    The supervisor holds the only write end of a pipe and never writes: the kernel closes it however
    the supervisor dies, and the end of file here is the news.

    Raises:
        EvenflowError: the variable does not name an open pipe.
    """
    if not (text := os.environ.pop(LEASH_VARIABLE, "")):
        return
    try:
        descriptor = int(text)
        os.set_inheritable(descriptor, False)  # no child of ours shall hold it
        os.set_blocking(descriptor, False)
    except (ValueError, OSError) as error:
        raise EvenflowError(f"{LEASH_VARIABLE}={text} is not an open pipe") from error
    loop = asyncio.get_running_loop()

    def heard() -> None:
        with contextlib.suppress(BlockingIOError):
            if os.read(descriptor, 64):
                return
            loop.remove_reader(descriptor)
            on_stop(StopCause.LEASH)

    loop.add_reader(descriptor, heard)
