"""A job's row without the names of others: of projects that do not exist for who asks. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from evenflow.common.contracts.explanation import ExplanationAnswer
from evenflow.gateway.edge.permits import projects_of, sees
from evenflow.gateway.edge.principal import Principal

Row = Mapping[Any, Any]
_HIDDEN: Final = "another project"
_QUEUE_KEYS: Final = ("for_queue", "queue")
_NAME_KEYS: Final = ("reservation",)
_FOR_WHOM: Final = re.compile(r"^(evicted: [^(]*?) \(.*", re.DOTALL)


def shown_row(row: Row, principal: Principal) -> Row:
    """Return a job's row as who asks may see it.

    Why it waits may name a queue or a reservation of others, and why it was stopped a job of
    theirs: what is said stays, who it is goes.
    """
    if projects_of(principal) is None:
        return row
    shown = dict(row)
    if shown.get("reason_json"):
        shown["reason_json"] = json.dumps(
            visible_detail(json.loads(shown["reason_json"]), principal)
        )
    if shown.get("message"):
        shown["message"] = _FOR_WHOM.sub(r"\1", shown["message"])
    return shown


def visible_detail(detail: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """Return the numbers of a reason without the names of hidden queues."""
    hidden = [k for k in _QUEUE_KEYS if k in detail and not sees(principal, str(detail[k]))]
    if not hidden:
        return dict(detail)
    gone = (*hidden, *_NAME_KEYS)
    return {name: _HIDDEN if name in gone else value for name, value in detail.items()}


def visible_answer(answer: ExplanationAnswer, principal: Principal) -> ExplanationAnswer:
    """Return what the engine says of a job without the names of hidden queues."""
    if projects_of(principal) is None:
        return answer
    reason = answer.reason
    if reason is not None:
        reason = reason.model_copy(update={"detail": visible_detail(reason.detail, principal)})
    levels = [
        level.model_copy(update={"ahead": level.ahead.model_copy(update={"path": _HIDDEN})})
        if level.ahead is not None and not sees(principal, level.ahead.path)
        else level
        for level in answer.levels
    ]
    return answer.model_copy(update={"reason": reason, "levels": tuple(levels)})
