"""What a command writes, taken from its pipes into files that stay within bounds.

A file keeps the head of a stream. What comes after its limit, or while the disk is short, is read
and not kept but for its last part, which follows once there is room or the run is over.
"""

import fcntl
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

TAIL_BYTES: Final = 64 * 1024  # of what is not kept
_CHUNK_BYTES: Final = 1024 * 1024
_SET_PIPE_SIZE: Final = getattr(fcntl, "F_SETPIPE_SZ", None)
_FULL_BYTES: Final = 32 * 1024  # a read so large is followed by the next one at once
_LOOK_BYTES: Final = 512 * 1024  # written between two looks at the disk
_LOOK_SECONDS: Final = 0.5
_DRAIN_SECONDS: Final = 1.0  # for what somebody outside of the run still writes


class Bounds(NamedTuple):
    """How much of a stream is kept, and how much of the disk is not ours; bytes."""

    stream_limit: int
    disk_reserve: int


class Capture:
    """The streams of one command."""

    def __init__(self, pipes: Sequence[int], files: Sequence[int], bounds: Bounds) -> None:
        """Take what comes out of each of `pipes` into the file beside it."""
        self._streams = [_Stream(*ends, bounds) for ends in zip(pipes, files, strict=True)]

    def pipes(self) -> list[int]:
        """Return what to wait for."""
        return [stream.pipe for stream in self._streams if not stream.is_over]

    def take(self, ready: Sequence[int]) -> bool:
        """Read once from each of these pipes; whether one of them may have more."""
        sizes = [stream.take() for stream in self._streams if stream.pipe in ready]
        return max(sizes, default=0) >= _FULL_BYTES

    def finish(self) -> None:
        """Take what is left: nobody of the run writes any more."""
        give_up_at = time.monotonic() + _DRAIN_SECONDS
        for stream in self._streams:
            while stream.take() and time.monotonic() < give_up_at:
                pass
            stream.finish()


class _Stream:
    """One pipe and its file."""

    def __init__(self, pipe: int, file: int, bounds: Bounds) -> None:
        self.pipe = pipe
        self.is_over = False
        self._file = file
        self._bounds = bounds
        self._kept = 0
        self._dropped = 0
        self._tail = b""
        self._is_wide = _SET_PIPE_SIZE is None
        self._is_short = False
        self._looked_at = 0.0
        self._since_look = 0
        os.set_blocking(pipe, False)

    def take(self) -> int:
        """Read once; returns how much that was."""
        if self.is_over:
            return 0
        try:
            data = os.read(self.pipe, _CHUNK_BYTES)
        except BlockingIOError:
            return 0
        self.is_over = not data
        if len(data) >= _FULL_BYTES and not self._is_wide:
            self._widen()
        if data:
            self._put(data)
        return len(data)

    def finish(self) -> None:
        if self._dropped:
            with suppress(OSError):
                self._end_gap()
        os.close(self.pipe)
        os.close(self._file)

    def _widen(self) -> None:
        """Give who writes much a large pipe; all have a small one, for an account has so much."""
        self._is_wide = True
        if _SET_PIPE_SIZE is not None:
            with suppress(OSError):
                fcntl.fcntl(self.pipe, _SET_PIPE_SIZE, _CHUNK_BYTES)

    def _put(self, data: bytes) -> None:
        left = self._bounds.stream_limit - self._kept
        if left > 0 and self._has_room():
            try:
                if self._dropped:
                    self._end_gap()
                data = self._write(data[:left]) + data[left:]
            except OSError:
                self._is_short = True
        if data:
            self._drop(data)

    def _write(self, data: bytes) -> bytes:
        """Write; returns what the disk did not take."""
        while data:
            try:
                size = os.write(self._file, data)
            except OSError:
                self._is_short = True
                break
            self._kept += size
            self._since_look += size
            data = data[size:]
        return data

    def _drop(self, data: bytes) -> None:
        if not self._dropped:
            limit, reserve = self._bounds
            why = (
                f"{limit} bytes of it are (executor.local.output_limit)"
                if self._kept >= limit
                else f"less than {reserve} bytes of the disk are free"
            )
            with suppress(OSError):
                self._say(f"from here on output is not kept: {why}")
        self._dropped += len(data)
        self._tail = (self._tail + data)[-TAIL_BYTES:]

    def _end_gap(self) -> None:
        self._say(f"{self._dropped - len(self._tail)} bytes were not kept")
        tail, self._tail, self._dropped = self._tail, b"", 0
        self._write(tail)

    def _say(self, text: str) -> None:
        os.write(self._file, f"\n[evenflow: {text}]\n".encode())

    def _has_room(self) -> bool:
        now = time.monotonic()
        if self._since_look >= _LOOK_BYTES or now - self._looked_at >= _LOOK_SECONDS:
            self._since_look, self._looked_at = 0, now
            self._is_short = free_bytes(self._file) < self._bounds.disk_reserve
        return not self._is_short


def free_bytes(place: int | str) -> int:
    """Return how much of a disk is free for us; `place` is a path or a descriptor on it."""
    disk = os.statvfs(place)
    return disk.f_bavail * disk.f_frsize
