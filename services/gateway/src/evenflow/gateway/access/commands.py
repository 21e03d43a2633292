"""Make and end grants: tokens, sessions, one-time codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from evenflow.gateway.access.credentials import Credentials
from evenflow.gateway.access.grants import Grant, Kind, Secret, new_secret, to_json
from evenflow.gateway.edge.principal import Principal, Role

CODE_SECONDS: Final = 600.0
_SECOND_US: Final = 1_000_000


class GrantStore(Protocol):
    """The bucket of access; every gateway hears of what changes in it."""

    async def put(self, key: str, value: bytes, seconds: float | None = None) -> None:
        """Keep a value, for so long; raises TemporarilyUnavailable."""

    async def remove(self, key: str) -> bool:
        """Remove a value; whether it was there and nobody else removed it first.

        Raises:
            TemporarilyUnavailable: nobody knows whether it was removed.
        """


@dataclass(frozen=True, slots=True)
class Access:
    """What is known of grants, and where they are kept."""

    credentials: Credentials
    store: GrantStore
    session_seconds: float

    async def grant_token(
        self, secret: Secret, user: str, roles: Mapping[str, Role], by: str, seconds: float | None
    ) -> Grant:
        """Let a new secret stand for a user."""
        return await self._grant(secret, user, roles, by, seconds=seconds, parent="")

    async def revoke(self, grant: Grant) -> bool:
        """End a grant and all that came from it; whether it was there."""
        was_there = await self.store.remove(grant.key)
        if grant.kind == "token":
            await self.store.remove(f"used.{grant.id}")
        return was_there

    async def make_code(self, principal: Principal) -> tuple[Secret, Grant]:
        """Return a one-time code that opens a session as this principal."""
        return await self._from(principal, "code", CODE_SECONDS)

    async def redeem(self, text: str) -> tuple[Secret, Grant] | None:
        """Open a session by a one-time code; None when it opens nothing, or did so already."""
        code = self.credentials.shown(text, "code")
        if code is None or not await self.store.remove(code.key):
            return None
        secret = new_secret("session")
        grant = await self._grant(
            secret,
            code.user,
            code.roles,
            code.created_by,
            seconds=self.session_seconds,
            parent=code.parent,
        )
        return secret, grant

    async def start_session(self, principal: Principal) -> tuple[Secret, Grant]:
        """Open a session as this principal."""
        return await self._from(principal, "session", self.session_seconds)

    async def end_session(self, principal: Principal) -> None:
        """End the session by which this principal came, if it is one."""
        where, _, id_ = principal.credential.partition(":")
        if where == "session":
            await self.store.remove(f"session.{id_}")

    async def keep_used(self) -> None:
        """Tell the other gateways when tokens were shown here."""
        for id_, at in self.credentials.unkept_used().items():
            if self.credentials.find(f"token.{id_}") is not None:
                await self.store.put(f"used.{id_}", str(at).encode())

    async def _from(self, principal: Principal, kind: Kind, seconds: float) -> tuple[Secret, Grant]:
        secret = new_secret(kind)
        parent = self.credentials.parent_of(principal)
        by = principal.credential
        grant = await self._grant(
            secret, principal.user, principal.roles, by, seconds=seconds, parent=parent
        )
        return secret, grant

    async def _grant(
        self,
        secret: Secret,
        user: str,
        roles: Mapping[str, Role],
        by: str,
        *,
        seconds: float | None,
        parent: str,
    ) -> Grant:
        now = self.credentials.now()
        grant = Grant(
            kind=secret.kind,
            id=secret.id,
            digest=secret.digest,
            user=user,
            roles=dict(roles),
            created_at=now,
            created_by=by,
            expires_at=None if seconds is None else now + round(seconds * _SECOND_US),
            parent=parent,
        )
        await self.store.put(grant.key, to_json(grant), seconds)
        return grant
