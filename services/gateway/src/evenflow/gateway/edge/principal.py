"""Who asks, as a credential says it: which user, with which role in which project. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Protocol, cast

EVERY_PROJECT: Final = "*"
"""Stands for every project, those to come as well."""


class Role(IntEnum):
    """What somebody may do in a project; each may all that the one before may."""

    VIEWER = 1
    """Read."""
    MEMBER = 2
    """Submit jobs, and change or cancel one's own."""
    OPERATOR = 3
    """Act for others; in every project: on nodes, reservations and the clock."""
    ADMIN = 4
    """Give tokens, define queues and quotas."""

    @property
    def word(self) -> str:
        """The role as people write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks; the same value whichever credential they came with."""

    user: str
    """Whose jobs theirs are."""
    roles: Mapping[str, Role]
    """By project; `*` is every project. A project that is not here does not exist for them."""
    credential: str
    """How they showed it, for the audit: `token:<id>`, `session:<id>`, `socket`, `oidc`."""
    account: str | None = None
    """The operating system's account, when its kernel said so; None: nobody knows."""

    def role_in(self, project: str) -> Role | None:
        """Return the role in one project; None when they have none there."""
        found = (self.roles.get(project), self.roles.get(EVERY_PROJECT))
        return max((role for role in found if role is not None), default=None)

    def may(self, project: str, role: Role) -> bool:
        """Whether they have at least `role` in `project`; `*` asks for every project."""
        return (self.role_in(project) or 0) >= role

    def somewhere(self, role: Role) -> bool:
        """Whether they have at least `role` in any project."""
        return any(held >= role for held in self.roles.values())


def role_of(word: str) -> Role:
    """Return the role of that word; raises KeyError when there is none."""
    return Role[word.upper()]


class Asked(Protocol):
    """A request, as far as it matters here."""

    @property
    def state(self) -> Any:
        """What was found out about it."""


def principal_of(request: Asked) -> Principal:
    """Return who asks: the guard found it out before any route."""
    return cast("Principal", request.state.principal)
