"""What one run leaves on disk: its output, who it is, its exit code, and how it ended."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import RunEnded

_SCRIPT = '(eval "$1"); echo $? > "$2/exit.part" && mv "$2/exit.part" "$2/exit"'
"""The code appears whole or not at all, and only once the command is over."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Who a run is, and since when (shard clock)."""

    pid: int
    at: int
    time_limit_us: int | None


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The files of a run. What is not there yet reads as None."""

    path: Path

    def claim(self) -> bool:
        """Make the directory; False when it was there: the token is known."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.path.mkdir()
        except FileExistsError:
            return False
        return True

    def begin(self, command: str, env: Mapping[str, str], at: int, limit_us: int | None) -> Begun:
        """Start the command in a session of its own, so that it outlives us."""
        with (self.path / "stdout").open("wb") as out, (self.path / "stderr").open("wb") as err:
            process = subprocess.Popen(  # noqa: S603 - to run what jobs say is what a cluster is for
                ["/bin/sh", "-c", _SCRIPT, "run", command, self.path],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **env},
                start_new_session=True,
            )
        begun = Begun(process.pid, at, limit_us)
        self._write("begun", asdict(begun))
        return begun

    def begun(self) -> Begun | None:
        """Return who the run is."""
        found = self._read("begun")
        return Begun(**found) if found else None

    def exit_code(self) -> int | None:
        """Return the code of a command that came to its end."""
        with suppress(FileNotFoundError):
            return int((self.path / "exit").read_text())
        return None

    def is_alive(self) -> bool:
        """Whether the process is there. Children are reaped here, if they are ours."""
        begun = self.begun()
        if begun is None:
            return False
        with suppress(ChildProcessError):
            return os.waitpid(begun.pid, os.WNOHANG) == (0, 0)
        return Path(f"/proc/{begun.pid}").exists()

    def kill(self) -> None:
        """End the process and all that it started."""
        if begun := self.begun():
            with suppress(ProcessLookupError):
                os.killpg(begun.pid, signal.SIGKILL)

    def end(self, ended: RunEnded) -> RunEnded:
        """Write down how the run ended, for whoever asks again."""
        self._write("ended", asdict(ended))
        return ended

    def ended(self) -> RunEnded | None:
        """Return how the run ended, in the words of the first time."""
        found = self._read("ended")
        return RunEnded(**{**found, "outcome": Outcome(found["outcome"])}) if found else None

    def read(self, stream: str, offset: int, limit: int) -> bytes:
        """Return a piece of the output; empty where there is none."""
        with suppress(FileNotFoundError), (self.path / stream).open("rb") as file:
            file.seek(offset)
            return file.read(limit)
        return b""

    def _write(self, name: str, content: Mapping[str, object]) -> None:
        part = self.path / f"{name}.part"
        part.write_text(json.dumps(content))
        part.replace(self.path / name)

    def _read(self, name: str) -> dict[str, Any] | None:
        with suppress(FileNotFoundError):
            found: dict[str, Any] = json.loads((self.path / name).read_text())
            return found
        return None
