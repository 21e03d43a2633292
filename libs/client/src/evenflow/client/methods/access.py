"""What both clients do about access: who one is, tokens, links to the page."""

from collections.abc import Sequence

from evenflow.client.methods.sending import Sends, SendsLater
from evenflow.client.models.access import LoginLink, NewToken, Token, Who
from evenflow.client.requests import access as calls


class AccessMethods:
    """What a client does about access."""

    def whoami(self: Sends) -> Who:
        """Say who one is here, and with which roles."""
        return self.send(calls.whoami())

    def tokens(self: Sends) -> list[Token]:
        """List the tokens that one may revoke, never their secrets."""
        return self.send(calls.tokens())

    def create_token(
        self: Sends,
        user: str,
        projects: Sequence[str],
        *,
        role: str = "member",
        expires_in_seconds: float | None = None,
    ) -> NewToken:
        """Give a token; its secret is in the answer and nowhere else. `*` is every project."""
        return self.send(calls.create_token(user, projects, role, expires_in_seconds))

    def revoke_token(self: Sends, token_id: str) -> Token:
        """Revoke a token and end its sessions."""
        return self.send(calls.revoke_token(token_id))

    def login_link(self: Sends) -> LoginLink:
        """Return a link that opens the page once."""
        return self.send(calls.login_link())


class AsyncAccessMethods:
    """`AccessMethods` for programs that run an event loop."""

    async def whoami(self: SendsLater) -> Who:
        """Say who one is here, and with which roles."""
        return await self.send(calls.whoami())

    async def tokens(self: SendsLater) -> list[Token]:
        """List the tokens that one may revoke, never their secrets."""
        return await self.send(calls.tokens())

    async def create_token(
        self: SendsLater,
        user: str,
        projects: Sequence[str],
        *,
        role: str = "member",
        expires_in_seconds: float | None = None,
    ) -> NewToken:
        """Give a token; its secret is in the answer and nowhere else. `*` is every project."""
        return await self.send(calls.create_token(user, projects, role, expires_in_seconds))

    async def revoke_token(self: SendsLater, token_id: str) -> Token:
        """Revoke a token and end its sessions."""
        return await self.send(calls.revoke_token(token_id))

    async def login_link(self: SendsLater) -> LoginLink:
        """Return a link that opens the page once."""
        return await self.send(calls.login_link())
