"""What owners may change of a job, read from a body."""

from typing import Any

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.facts import jobs as facts
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.common.domain.jobs.rules import MAX_PRIORITY
from evenflow.gateway.edge.problems import InvalidRequest
from evenflow.gateway.jobs.bodies import JobPatch
from evenflow.gateway.jobs.rules.texts import broken_texts
from evenflow.gateway.view.reads import Row


def refuse_ended(row: Row, what: str) -> None:
    """Refuse what may not be done to a job that has ended; raises RequestRejected."""
    if row["state"] in TERMINAL:
        raise RequestRejected(
            f"job {row['id']} has ended ({row['state']}) and cannot be {what}", field="status"
        )


def change_of(job_id: str, patch: JobPatch, given: frozenset[str]) -> facts.JobChange:
    """Return the change that a body asks for; `given` are the names that it states.

    Raises:
        InvalidRequest: with every broken rule.
    """
    values: dict[str, Any] = {name: getattr(patch, name) for name in given}
    for name, empty in (("description", ""), ("tags", []), ("priority", 0)):
        if name in values and values[name] is None:
            values[name] = empty
    broken: list[RequestRejected] = []
    if "name" in values and values["name"] is None:
        broken.append(InvalidValue("name", None, "must have 1 to 255 characters"))
    priority = values.get("priority", 0)
    if not 0 <= priority <= MAX_PRIORITY:
        broken.append(InvalidValue("priority", priority, f"must be between 0 and {MAX_PRIORITY}"))
    broken += broken_texts(
        values.get("name") or "", values.get("description", ""), values.get("tags", [])
    )
    if not values:
        broken.append(InvalidValue("body", "{}", "must name a field to change"))
    if broken:
        raise InvalidRequest(broken)
    if "tags" in values:
        values["tags"] = tuple(values["tags"])
    return facts.JobChange(job_id, **values)
