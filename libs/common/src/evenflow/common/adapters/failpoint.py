"""For tests of recovery: kill or pause this process between two named steps. Off unless asked for.

`EVENFLOW_FAILPOINTS` names a directory. Whoever passes the point `x` while a file `x` lies there
removes the file, so that it happens once, and sends itself the signal that the file names: `KILL`
when it is empty, or `STOP`. Without the variable a point costs one look into the environment.
"""

import os
import signal
from pathlib import Path
from typing import Final

FAILPOINTS_VARIABLE: Final = "EVENFLOW_FAILPOINTS"


def failpoint(name: str) -> None:
    """Pass the point `name`; where a test has armed it, at most SIGCONT lets this return."""
    if not (directory := os.environ.get(FAILPOINTS_VARIABLE)):
        return
    armed = Path(directory) / name
    try:
        wanted = armed.read_text(encoding="utf-8").strip() or "KILL"
        armed.unlink()
    except OSError:
        return  # not armed, or another process was faster
    os.kill(os.getpid(), signal.Signals[f"SIG{wanted}"])
