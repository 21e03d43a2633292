"""Watch what runs: who does not answer, and the broker that lets nobody act, is started again.

A process that ended is its keeper's business (`process/child.py`). Here are those that live and do
nothing: stopped, stuck, or in an error that only a restart mends.
"""

import asyncio
import http.client
import json
import math
import shutil
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from evenflow.cli.launcher.layout.datadir import DataDir
from evenflow.cli.launcher.process.child import Child
from evenflow.cli.launcher.services import status_file
from evenflow.cli.launcher.silences import Part, Silences
from evenflow.cli.launcher.system import System

PERIOD_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 2.0
_STARTING: Final = 12  # times the patience for a service that has not been ready yet
_LEASE: Final = "lease"  # the reason under which a service says that nobody can have its lease
_ROOM_BYTES: Final = 16 * 2**20
_BROKER: Final = "nats"


class Watch:
    """Looks at everything once a second."""

    def __init__(self, system: System, patience_seconds: float) -> None:
        """What is silent for longer than `patience_seconds` is started again."""
        self._system = system
        self._patience = patience_seconds
        self._silences = Silences()
        self._have_been_ready: set[Part] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(PERIOD_SECONDS)
            if time.monotonic() - began > PERIOD_SECONDS + _ANSWER_SECONDS:
                self._silences.forget()  # it was us who slept, or the whole machine
                continue
            await self._look()

    async def _look(self) -> None:
        system = self._system
        services, servers = system.services, system.servers
        names = list(services)
        statuses = await asyncio.gather(
            *(asyncio.to_thread(_status, system.plan.data, name, services[name]) for name in names)
        )
        for name, status in zip(names, statuses, strict=True):
            child = services[name]
            if status and status.get("state") == "ready" and child.pid is not None:
                self._have_been_ready.add((name, child.pid))
            self._note(child, "" if status is not None else "did not answer")
        for name, answers in system.server_answers.items():
            self._note(servers[name], "" if await answers() else "did not answer")
        if _BROKER in system.server_answers:
            self._note_broker({n: s for n, s in zip(names, statuses, strict=True) if s})

    def _note(self, child: Child, trouble: str) -> None:
        if child.pid is None:  # being started again already
            self._silences.clear(child.spec.name)
            return
        part = (child.spec.name, child.pid)
        is_server = child.spec.name in self._system.servers
        patience = self._patience
        if not is_server and part not in self._have_been_ready:
            patience *= _STARTING  # one that reads a long log is busy, not stuck
        if seconds := self._silences.note(part, trouble, patience):
            child.restart(f"{trouble} for {seconds:.0f} s")

    def _note_broker(self, statuses: Mapping[str, Mapping[str, Any]]) -> None:
        """A broker that answers, and yet grants leases to nobody, has lost a bucket or its disk."""
        reasons = {name: (status.get("reasons") or {}) for name, status in statuses.items()}
        troubles = [f"{name}: {told[_LEASE]}" for name, told in reasons.items() if _LEASE in told]
        broker = self._system.servers[_BROKER]
        key = (f"{_BROKER}-leases", broker.pid or 0)
        has_room = shutil.disk_usage(self._system.plan.data.root).free >= _ROOM_BYTES
        # While its disk is full a restart mends nothing; when there is room again it must be soon.
        patience = self._patience / 2 if has_room else math.inf
        if seconds := self._silences.note(key, "; ".join(troubles), patience):
            broker.restart(f"answers, but {troubles[0]}, for {seconds:.0f} s")


def _status(data: DataDir, name: str, child: Child) -> dict[str, Any] | None:
    """What a service says of itself; None when it does not answer, nothing before it listens."""
    try:
        noted = json.loads(status_file(data, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if noted.get("pid") != child.pid:
        return {}
    parts = urlsplit(str(noted.get("url")))
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=_ANSWER_SECONDS
    )
    try:
        connection.request("GET", "/status")
        document = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    else:
        return document if isinstance(document, dict) else None
    finally:
        connection.close()
