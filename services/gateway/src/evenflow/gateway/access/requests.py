"""Bodies about tokens, judged: who, which role in which projects, until when. Pure."""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.queues.queue import check_path
from evenflow.gateway.edge.bodies import Body
from evenflow.gateway.edge.permits import demand
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role, role_of
from evenflow.gateway.edge.problems import InvalidRequest
from evenflow.gateway.values.instants import LONGEST_SECONDS
from evenflow.gateway.values.users import read_user

MOST_PROJECTS: Final = 100
_SERVICES: Final = frozenset({"gateway", "exporter", "usage-aggregator", "policy-engine", "binder"})
_ROLES: Final = ", ".join(role.word for role in Role)


class TokenFields(Body):
    """A new token: for whom, with which role in which projects (`*`: every one), how long."""

    user_id: str
    projects: list[str]
    role: str = Role.MEMBER.word
    expires_in_seconds: float | None = None


def read_token(
    asked: TokenFields, principal: Principal
) -> tuple[str, Mapping[str, Role], float | None]:
    """Return user, roles and seconds.

    Raises:
        InvalidRequest: with every broken rule.
        NotAllowed: the asker may not give that role in one of the projects.
    """
    broken: list[RequestRejected] = []
    user = read_user(asked.user_id, broken)
    if user in _SERVICES:
        rule = "is the name of a service, which the log would take it for"
        broken.append(InvalidValue("user_id", user, rule))
    role = _role(asked.role, broken)
    if not 1 <= len(asked.projects) <= MOST_PROJECTS:
        rule = f"must name 1 to {MOST_PROJECTS} projects, or `*` for every one"
        broken.append(InvalidValue("projects", len(asked.projects), rule))
    for index, project in enumerate(asked.projects[:MOST_PROJECTS]):
        if project != EVERY_PROJECT:
            _check_project(f"projects.{index}", project, broken)
    seconds = asked.expires_in_seconds
    if seconds is not None and not 1 <= seconds <= LONGEST_SECONDS:
        rule = "must be at least 1 and at most a century; absent: it does not expire"
        broken.append(InvalidValue("expires_in_seconds", seconds, rule))
    if broken:
        raise InvalidRequest(broken)
    for project in asked.projects:
        # An admin has every role there, so nobody gives more than they have.
        demand(principal, project, Role.ADMIN)
    return user, dict.fromkeys(asked.projects, role), seconds


def _role(word: str, broken: list[RequestRejected]) -> Role:
    try:
        return role_of(word)
    except KeyError:
        broken.append(InvalidValue("role", word[:40], f"must be one of {_ROLES}"))
        return Role.VIEWER


def _check_project(where: str, project: str, broken: list[RequestRejected]) -> None:
    try:
        check_path(project, field=where)
    except RequestRejected as error:
        broken.append(error)
        return
    if "/" in project:
        broken.append(InvalidValue(where, project, "must be a project, not a queue below one"))
