"""Run a program that dies with its parent (Linux): FILE PARENT_PID PROGRAM ARGS...

A program of its own, because the request must be made in the child, between fork and exec, and
running Python there is unsafe in a process with threads. Standard library only: it starts in 15 ms.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for SIGTERM at the parent's death, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # it died before we asked
    os.execv(program, sys.argv[2:])  # noqa: S606 - no shell is wanted here


if __name__ == "__main__":
    main()
