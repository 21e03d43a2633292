"""Points at which a test ends or pauses a process: only where armed, and once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from evenflow.common.adapters.failpoint import FAILPOINTS_VARIABLE

TWO_POINTS = (
    "from evenflow.common.adapters.failpoint import failpoint\n"
    "failpoint('a.point'); print('once', flush=True); failpoint('another')"
)


def passing(directory: Path | None) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k != FAILPOINTS_VARIABLE}
    if directory is not None:
        environment[FAILPOINTS_VARIABLE] = str(directory)
    command = [sys.executable, "-c", TWO_POINTS]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_a_point_does_nothing_unless_asked_for(tmp_path: Path) -> None:
    for directory in (None, tmp_path, tmp_path / "missing"):
        process = passing(directory)
        assert process.communicate(timeout=20)[0] == "once\n"
        assert process.returncode == 0


def test_an_armed_point_kills_whoever_passes_it_first(tmp_path: Path) -> None:
    (tmp_path / "a.point").touch()
    killed = passing(tmp_path)
    assert killed.communicate(timeout=20)[0] == ""
    assert killed.returncode == -signal.SIGKILL
    spared = passing(tmp_path)
    spared.communicate(timeout=20)
    assert spared.returncode == 0


def test_a_point_may_pause_instead(tmp_path: Path) -> None:
    (tmp_path / "another").write_text("STOP")
    paused = passing(tmp_path)
    _, status = os.waitpid(paused.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    paused.send_signal(signal.SIGCONT)
    assert paused.communicate(timeout=20)[0] == "once\n"
    assert paused.returncode == 0
