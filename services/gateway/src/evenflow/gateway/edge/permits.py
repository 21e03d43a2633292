"""What somebody may do with an object: it is hidden from them, or refused, or theirs. Pure.

What is hidden is answered exactly as what does not exist.
"""

from evenflow.common.domain.errors import RequestRejected
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role


class NotAllowed(RequestRejected):
    """The role in a project is too small; `RequestRejected.value` is the project."""

    status = 403
    code = "forbidden"

    def __init__(self, principal: Principal, project: str, role: Role) -> None:
        """`role` is what it takes; says nothing of whether the project exists."""
        held = principal.role_in(project)
        has = f"your role there is {held.word}" if held is not None else "you have no role there"
        where = "every project (`*`)" if project == EVERY_PROJECT else f"project {project!r}"
        super().__init__(
            f"this takes the role {role.word} in {where}; {has}",
            field="project_id",
            value=project,
            rule=f"takes the role {role.word}",
        )


class NotYou(RequestRejected):
    """Somebody else was named."""

    status = 403
    code = "forbidden"

    def __init__(self, principal: Principal, named: str) -> None:
        """Say who they are."""
        rule = f"may name others from role operator on; you are {principal.user!r}"
        super().__init__(f"user_id {named[:80]!r}: {rule}", field="user_id", value=named, rule=rule)


def project_of(path: str) -> str:
    """Return the project that a path lies in."""
    return path.partition("/")[0]


def sees(principal: Principal, path: str) -> bool:
    """Whether the queue of that path exists for them."""
    return principal.may(project_of(path), Role.VIEWER)


def projects_of(principal: Principal) -> frozenset[str] | None:
    """Return the projects that exist for them; None: all."""
    if principal.may(EVERY_PROJECT, Role.VIEWER):
        return None
    return frozenset(principal.roles)


def demand(principal: Principal, project: str, role: Role) -> None:
    """Refuse who has not at least that role in a project; raises NotAllowed."""
    if not principal.may(project, role):
        raise NotAllowed(principal, project, role)


def demand_own(principal: Principal, path: str, owner: str) -> None:
    """Refuse who may not act on a job of that queue and user; raises NotAllowed."""
    is_own = owner == principal.user
    demand(principal, project_of(path), Role.MEMBER if is_own else Role.OPERATOR)


def demand_definition(principal: Principal, path: str) -> None:
    """Refuse who may not define that queue: what is of the first level competes with the others.

    Raises:
        NotAllowed: it takes an admin of the project, or of every one.
    """
    demand(principal, project_of(path) if "/" in path else EVERY_PROJECT, Role.ADMIN)


def named_user(principal: Principal, named: str | None, project: str) -> str:
    """Return whose a thing is: the asker's, or that of whom an operator names.

    Raises:
        NotYou: somebody else was named by who is no operator of the project.
    """
    if named is None or named == principal.user:
        return principal.user
    if not principal.may(project, Role.OPERATOR):
        raise NotYou(principal, named)
    return named
