"""What a run has written so far."""

import os
from pathlib import Path
from typing import Final

from evenflow.common.adapters.local.runner import run_files
from evenflow.common.domain.errors import UnknownRun
from evenflow.common.ports.executor import OutputChunk

STREAMS: Final = frozenset({"stdout", "stderr"})


def read_output(
    directory: Path, stream: str, offset: int, limit: int, *, is_known: bool
) -> OutputChunk:
    """Return at most `limit` bytes from `offset`; a run that `is_known` may have none yet.

    Raises:
        UnknownRun: nothing is kept of this run.
    """
    # Asked before reading: what a live run writes afterwards is not missed.
    is_over = (directory / run_files.EXIT).exists()
    try:
        with (directory / stream).open("rb") as file:
            file.seek(offset)
            data = file.read(limit)
            is_all = file.tell() >= os.fstat(file.fileno()).st_size
    except (FileNotFoundError, NotADirectoryError):
        if not is_over and not is_known:
            raise UnknownRun(f"no output of run {directory.name!r} on this machine") from None
        data, is_all = b"", True
    return OutputChunk(data, offset + len(data), is_final=is_over and is_all)
