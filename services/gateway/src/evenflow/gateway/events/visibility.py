"""Facts as they are shown to who may not see every project: record by record, by a closed table.

A kind without a line here is not shown to them: a fact that is added is hidden until somebody says
whose its records are.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.ports.log import LogMessage
from evenflow.gateway.edge.permits import sees
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.visibility import visible_detail
from evenflow.gateway.view.reservations import find_reservation

_JOB, _QUEUE, _PATH, _SELF, _RESERVATION = "job_id", "queue", "path", "", "reservation_id"
_RECORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "jobs.submitted": {"jobs": _QUEUE},
    "jobs.changed": {"changes": _JOB},
    "jobs.cancel-requested": {"requests": _JOB},
    "runs.reported": {"runs": _JOB},
    "queues.defined": {"queues": _PATH},
    "queues.deleted": {"paths": _SELF},
    "quotas.set": {"quotas": _PATH},
    "quotas.alerted": {"alerts": _PATH},
    "reservations.defined": {"reservations": _QUEUE},
    "reservations.cancelled": {"cancellations": _RESERVATION},
    "cycle.decided": {
        "placements": _JOB,
        "evictions": _JOB,
        "rejections": _JOB,
        "reasons": _JOB,
        "growths": _JOB,
        "claims": _JOB,
    },
}
"""By kind the lists of a fact, and by which field of a record it is known whose it is."""
_WHOLE: Final = frozenset(
    {"clock.set", "cluster.observed", "nodes.cordoned", "nodes.uncordoned", "nodes.labelled"}
    | {"nodes.tainted", "leader.decided"}
)
"""What is of the machines, not of anybody's jobs."""
_AUDIT: Final = "access."
_KEPT_JOBS: Final = 20_000


@dataclass(slots=True)
class VisibleFacts:
    """Cuts facts to what exists for one client."""

    gateway: Gateway
    principal: Principal
    _queues: "OrderedDict[str, str | None]" = field(default_factory=OrderedDict)
    """Where jobs are, as far as was asked: a stream asks for the same ones again and again."""

    async def cut(self, kind: str, message: LogMessage) -> bytes | None:
        """Return a message as the client may see it; None: not at all."""
        if kind.startswith(_AUDIT) and not self.principal.may(EVERY_PROJECT, Role.ADMIN):
            return None
        if self.principal.may(EVERY_PROJECT, Role.VIEWER) or kind in _WHOLE:
            return message.data
        lists = _RECORDS.get(kind)
        if lists is None:
            return None
        event: dict[str, Any] = json.loads(message.data)
        fact, found = event["fact"], 0
        for name, key in lists.items():
            records = fact.get(name) or []
            fact[name] = [each for each in records if await self._is_shown(each, key, message)]
            found += len(fact[name])
        if not found:
            return None
        self._hide_others(fact)
        return json.dumps(event, separators=(",", ":")).encode()

    async def _is_shown(self, record: Any, key: str, message: LogMessage) -> bool:
        if key == _SELF:
            return sees(self.principal, str(record))
        value = str(record[key])
        if key in (_QUEUE, _PATH):
            if key == _QUEUE and "id" in record:
                self._remember(str(record["id"]), value)
            return sees(self.principal, value)
        queue = await self._queue_of(value, message.sequence, is_job=key == _JOB)
        return queue is not None and sees(self.principal, queue)

    async def _queue_of(self, id_: str, sequence: int, *, is_job: bool) -> str | None:
        if id_ in self._queues:
            self._queues.move_to_end(id_)
            return self._queues[id_]
        try:
            await self.gateway.consistency.wait_for(sequence)
        except TemporarilyUnavailable:
            return None  # the view lags: what cannot be told apart is not shown
        row: Mapping[Any, Any] | None
        if is_job:
            row = await self.gateway.reads.job(id_)
        else:
            row = await find_reservation(self.gateway.reads.engine, id_)
        return self._remember(id_, None if row is None else str(row["queue"]))

    def _remember(self, id_: str, queue: str | None) -> str | None:
        self._queues[id_] = queue
        if len(self._queues) > _KEPT_JOBS:
            self._queues.popitem(last=False)
        return queue

    def _hide_others(self, fact: dict[str, Any]) -> None:
        for eviction in fact.get("evictions") or ():
            eviction["detail"] = eviction["beneficiary"] = ""
        for change in fact.get("reasons") or ():
            if isinstance(change.get("reason"), dict) and change["reason"].get("detail"):
                detail = change["reason"]["detail"]
                change["reason"]["detail"] = visible_detail(detail, self.principal)
