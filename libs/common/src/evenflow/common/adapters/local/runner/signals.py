"""The signals that a runner waits for."""

import os
import select
import signal
from collections.abc import Sequence
from contextlib import suppress


class Signals:
    """SIGCHLD and SIGTERM as something to wait for; neither is ever missed between two waits."""

    def __init__(self) -> None:
        """Listen from now on."""
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

    def wait(self, seconds: float, pipes: Sequence[int] = ()) -> list[int]:
        """Return when a signal came, or after `seconds`, or those of `pipes` that can be read."""
        for pipe in pipes:
            self._poll.register(pipe, select.POLLIN)
        ready = [fd for fd, _ in self._poll.poll(int(seconds * 1000) + 1)]
        for pipe in pipes:
            self._poll.unregister(pipe)
        if self._pipe in ready:
            ready.remove(self._pipe)
            with suppress(BlockingIOError):
                self.is_terminated |= signal.SIGTERM in os.read(self._pipe, 4096)
        return ready
