"""What REST says about access: tokens without their secrets, links, and who one is. Pure."""

from collections.abc import Mapping

from typing_extensions import TypedDict

from evenflow.common.domain.user_label import user_label
from evenflow.gateway.access.bootstrap import Bootstrap
from evenflow.gateway.access.grants import Grant
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role
from evenflow.gateway.values.instants import iso, iso_or_none


class TokenDocument(TypedDict):
    """A token, never its secret; `roles` maps projects to roles, `*` is every project.

    The token of the file has the id `file`: it is replaced where the file lies.
    """

    id: str
    user_id: str
    roles: Mapping[str, str]
    created_at: str | None
    created_by: str
    expires_at: str | None
    last_used_at: str | None


class NewToken(TokenDocument):
    """A token that was just made, with its secret: it is shown this once."""

    token: str


class TokenList(TypedDict):
    """Tokens, the oldest first."""

    tokens: list[TokenDocument]


class LoginLink(TypedDict):
    """A one-time link to the page, without the gateway's own address."""

    path: str
    expires_at: str | None


class WhoDocument(TypedDict):
    """Who one is here; `label` is the user's name as clusters take it."""

    user_id: str
    label: str
    roles: Mapping[str, str]
    credential: str


def token_document(grant: Grant, used: Mapping[str, int]) -> TokenDocument:
    """Return a token as a document."""
    return TokenDocument(
        id=grant.id,
        user_id=grant.user,
        roles=roles_document(grant.roles),
        created_at=iso(grant.created_at),
        created_by=grant.created_by,
        expires_at=iso_or_none(grant.expires_at),
        last_used_at=iso_or_none(used.get(grant.id)),
    )


def file_document(bootstrap: Bootstrap) -> TokenDocument:
    """Return the token of the file as a document."""
    return TokenDocument(
        id="file",
        user_id=bootstrap.user,
        roles={EVERY_PROJECT: Role.ADMIN.word},
        created_at=None,
        created_by="the token file",
        expires_at=None,
        last_used_at=None,
    )


def who_document(principal: Principal) -> WhoDocument:
    """Return who one is."""
    return WhoDocument(
        user_id=principal.user,
        label=user_label(principal.user),
        roles=roles_document(principal.roles),
        credential=principal.credential,
    )


def roles_document(roles: Mapping[str, Role]) -> dict[str, str]:
    """Return roles by project, in words."""
    return {project: role.word for project, role in sorted(roles.items())}
