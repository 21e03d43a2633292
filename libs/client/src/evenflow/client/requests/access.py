"""Requests about access. Pure."""

from collections.abc import Sequence
from typing import Any

from evenflow.client.models.access import LoginLink, NewToken, Token, Who
from evenflow.client.requests.call import Call, api_path


def whoami() -> Call[Who]:
    """Ask who one is."""
    return Call("GET", api_path("whoami"))


def tokens() -> Call[list[Token]]:
    """List tokens."""
    return Call("GET", api_path("tokens"), pick="tokens")


def create_token(
    user: str, projects: Sequence[str], role: str, expires_in_seconds: float | None
) -> Call[NewToken]:
    """Give a token."""
    body: dict[str, Any] = {"user_id": user, "projects": list(projects), "role": role}
    if expires_in_seconds is not None:
        body["expires_in_seconds"] = expires_in_seconds
    return Call("POST", api_path("tokens"), body=body)


def revoke_token(token_id: str) -> Call[Token]:
    """Revoke a token."""
    return Call("DELETE", api_path("tokens", token_id))


def login_link() -> Call[LoginLink]:
    """Ask for a one-time link to the page."""
    return Call("POST", api_path("login-links"))
