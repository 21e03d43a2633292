"""What REST says about access."""

from typing import TypedDict


class Who(TypedDict):
    """Who one is at a gateway; `roles` maps projects to roles, `*` is every project.

    `label` is the user's name as clusters take it: the same, or a form of it.
    """

    user_id: str
    label: str
    roles: dict[str, str]
    credential: str


class Token(TypedDict):
    """A token without its secret."""

    id: str
    user_id: str
    roles: dict[str, str]
    created_at: str | None
    created_by: str
    expires_at: str | None
    last_used_at: str | None


class NewToken(Token):
    """A token with its secret, which is shown this once."""

    token: str


class LoginLink(TypedDict):
    """A one-time link to the page, without the gateway's own address."""

    path: str
    expires_at: str | None
