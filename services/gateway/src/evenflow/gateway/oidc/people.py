"""From the claims of a token to a principal: whose jobs theirs are, and what their groups may."""

from collections.abc import Mapping
from typing import Any, Final

from evenflow.common.domain.errors import RequestRejected
from evenflow.common.runtime.settings.sections.auth import OidcSettings
from evenflow.gateway.edge.principal import Principal, Role, role_of
from evenflow.gateway.edge.problems import Forbidden
from evenflow.gateway.values.users import read_user

CREDENTIAL: Final = "oidc"


def principal_of_claims(claims: Mapping[str, Any], settings: OidcSettings) -> Principal:
    """Return who a token speaks of.

    Raises:
        Forbidden: it names no user that can be one here, or no group with a role.
    """
    user = _user(claims, settings)
    groups = _groups(claims, settings)
    roles: dict[str, Role] = {}
    for each in settings.roles:
        if each.group not in groups:
            continue
        for project in each.projects:
            roles[project] = max(roles.get(project, Role.VIEWER), role_of(each.role))
    if not roles:
        raise Forbidden(
            f"{user} is in no group that has a role here: an admin may add one to auth.oidc.roles"
        )
    return Principal(user, roles, CREDENTIAL)


def _user(claims: Mapping[str, Any], settings: OidcSettings) -> str:
    name = _at(claims, settings.user_claim)
    if not isinstance(name, str) or not name:
        raise Forbidden(f"the token has no claim {settings.user_claim} (auth.oidc.user_claim)")
    if settings.user_claim == "email" and claims.get("email_verified") is not True:
        raise Forbidden("the provider has not verified this e-mail address: it names nobody")
    broken: list[RequestRejected] = []
    read_user(name, broken)
    if broken:
        raise Forbidden(
            f"claim {settings.user_claim}: {name[:80]!r} cannot be a user here: {broken[0].rule}"
        )
    return name


def _groups(claims: Mapping[str, Any], settings: OidcSettings) -> frozenset[str]:
    found = _at(claims, settings.groups_claim)
    if isinstance(found, str):
        return frozenset({found})
    if isinstance(found, list):
        return frozenset(each for each in found if isinstance(each, str))
    return frozenset()


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim of that name, else the one that its dots lead to."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
