"""The one table of what each endpoint demands. `docs/access.md` is drawn from it.

An endpoint without a line here answers nobody. What depends on the object that is meant (whose
job, which project) the routes ask through `edge/permits.py`; the words here say what that is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from starlette.requests import Request

from evenflow.gateway.edge.principal import EVERY_PROJECT, Role, principal_of
from evenflow.gateway.edge.problems import Forbidden


class Where(Enum):
    """In which project the role must be held."""

    OPEN = "nobody is asked"
    ANYONE = "any credential"
    SOMEWHERE = "in any project; what is shown is that of one's projects"
    PROJECT = "in the project that is meant"
    EVERYWHERE = "in every project (`*`)"


@dataclass(frozen=True, slots=True)
class Rule:
    """What an endpoint demands: a role, and where it must be held; `also` is the rest, in words."""

    where: Where
    role: Role | None = None
    also: str = ""


_OWN: Final = "for another's job: operator"
_NAMING: Final = "for another user: operator"
_TREE: Final = "of a project itself: admin of `*`"
_READ: Final = Rule(Where.SOMEWHERE, Role.VIEWER)
_SHOW: Final = Rule(Where.PROJECT, Role.VIEWER)
_RUN: Final = Rule(Where.EVERYWHERE, Role.OPERATOR)
_WATCH: Final = Rule(Where.EVERYWHERE, Role.VIEWER)
_MEND: Final = Rule(Where.EVERYWHERE, Role.ADMIN)
_DEFINE: Final = Rule(Where.PROJECT, Role.ADMIN, _TREE)
_ANY: Final = Rule(Where.ANYONE)
_OPEN: Final = Rule(Where.OPEN)

RULES: Final[Mapping[tuple[str, str], Rule]] = {
    ("GET", "/healthz"): _OPEN,
    ("GET", "/readyz"): _OPEN,
    ("GET", "/login"): _OPEN,
    ("POST", "/login"): _OPEN,
    ("GET", "/login.css"): _OPEN,
    ("GET", "/login/oidc"): _OPEN,
    ("GET", "/login/oidc/callback"): _OPEN,
    ("GET", "/api/v1/login/oidc"): _OPEN,
    ("POST", "/logout"): _ANY,
    ("GET", "/docs"): _ANY,
    ("GET", "/openapi.json"): _ANY,
    ("GET", "/static"): _ANY,
    ("GET", "/metrics"): Rule(Where.EVERYWHERE, Role.VIEWER),
    ("GET", "/"): _READ,
    ("GET", "/status-stream"): _READ,
    ("GET", "/status"): _READ,
    ("GET", "/api/v1/status"): _READ,
    ("GET", "/api/v1/whoami"): _ANY,
    ("POST", "/api/v1/login-links"): _ANY,
    ("GET", "/api/v1/tokens"): Rule(Where.SOMEWHERE, Role.ADMIN),
    ("POST", "/api/v1/tokens"): Rule(
        Where.PROJECT, Role.ADMIN, "in every project that the token names, at most one's own role"
    ),
    ("DELETE", "/api/v1/tokens/{token_id}"): Rule(
        Where.PROJECT, Role.ADMIN, "in every project that the token names"
    ),
    ("GET", "/api/v1/jobs"): _READ,
    ("GET", "/api/v1/jobs/stats"): _READ,
    ("GET", "/api/v1/jobs/{job_id}"): _SHOW,
    ("GET", "/api/v1/jobs/{job_id}/why"): _SHOW,
    ("GET", "/api/v1/jobs/{job_id}/details"): _SHOW,
    ("GET", "/api/v1/jobs/{job_id}/logs"): _SHOW,
    ("POST", "/api/v1/jobs"): Rule(Where.PROJECT, Role.MEMBER, _NAMING),
    ("POST", "/api/v1/jobs:batch"): Rule(Where.PROJECT, Role.MEMBER, _NAMING),
    ("PATCH", "/api/v1/jobs/{job_id}"): Rule(Where.PROJECT, Role.MEMBER, _OWN),
    ("POST", "/api/v1/jobs/{job_id}/cancel"): Rule(Where.PROJECT, Role.MEMBER, _OWN),
    ("DELETE", "/api/v1/jobs/{job_id}"): Rule(Where.PROJECT, Role.MEMBER, _OWN),
    ("GET", "/api/v1/queues"): _READ,
    ("POST", "/api/v1/queues"): _DEFINE,
    ("GET", "/api/v1/queues/{queue_id:path}"): _SHOW,
    ("PATCH", "/api/v1/queues/{queue_id:path}"): _DEFINE,
    ("DELETE", "/api/v1/queues/{queue_id:path}"): _DEFINE,
    ("GET", "/api/v1/queues/quota/{project_id:path}"): _SHOW,
    ("PATCH", "/api/v1/queues/quota/{project_id:path}"): _DEFINE,
    ("POST", "/api/v1/queues/quota/{project_id:path}/sync"): Rule(Where.PROJECT, Role.OPERATOR),
    ("POST", "/api/v1/apply"): _DEFINE,
    ("GET", "/api/v1/nodes"): _READ,
    ("POST", "/api/v1/nodes/{name}/cordon"): _RUN,
    ("POST", "/api/v1/nodes/{name}/uncordon"): _RUN,
    ("PATCH", "/api/v1/nodes/{name}"): _RUN,
    ("POST", "/api/v1/clock"): _RUN,
    ("GET", "/api/v1/reservations"): _READ,
    ("POST", "/api/v1/reservations"): _RUN,
    ("GET", "/api/v1/reservations/{reservation_id}"): _SHOW,
    ("DELETE", "/api/v1/reservations/{reservation_id}"): _RUN,
    ("GET", "/api/v1/events"): _READ,
    ("GET", "/api/v1/usage"): _READ,
    ("GET", "/api/v1/usage/history"): _READ,
    ("GET", "/api/v1/usage/report"): _READ,
    ("GET", "/api/v1/usage/snapshots"): _READ,
    ("GET", "/api/v1/usage/queues/{queue:path}"): _SHOW,
    ("GET", "/api/v1/alerts"): _READ,
    ("GET", "/api/v1/log"): _WATCH,
    ("GET", "/api/v1/log/readers"): _WATCH,
    ("GET", "/api/v1/log/cuts"): _WATCH,
    ("GET", "/api/v1/log/export"): _WATCH,
    ("DELETE", "/api/v1/log/readers/{name}"): _MEND,
    ("POST", "/api/v1/log/quarantine"): _MEND,
    ("GET", "/api/v1/log/repair"): _MEND,
    ("POST", "/api/v1/log/repair"): _MEND,
}
"""By method and path as the route spells it."""

OPEN_PATHS: Final = frozenset(path for (_, path), rule in RULES.items() if rule.where is Where.OPEN)


async def demand_role(request: Request) -> None:
    """Refuse who may not use this endpoint at all; what is left, the route asks.

    Raises:
        Forbidden: they have not the role that the table names, or the table has no line for it.
    """
    key = (request.method, request.scope["route"].path)
    rule = RULES.get(key)
    if rule is None:
        raise Forbidden(f"{key[0]} {key[1]} has no line in the table of access; tell who made it")
    if rule.where is Where.OPEN:
        return
    principal = principal_of(request)
    if rule.where is Where.ANYONE or rule.role is None:
        return
    if rule.where is Where.EVERYWHERE:
        if not principal.may(EVERY_PROJECT, rule.role):
            raise Forbidden(f"this takes the role {rule.role.word} in every project (`*`)")
    elif not principal.somewhere(rule.role):
        raise Forbidden(f"this takes the role {rule.role.word} in a project; you have it in none")
