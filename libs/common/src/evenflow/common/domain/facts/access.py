"""Facts about who was given access. For the audit: they change no state and hold no secret."""

from collections.abc import Mapping
from dataclasses import dataclass

from evenflow.common.domain.clock import Instant


@dataclass(frozen=True, slots=True)
class GivenToken:
    """A token by its public id; `roles` maps projects to roles, `by` is the giver's credential."""

    token_id: str
    user: str
    roles: Mapping[str, str]
    by: str
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class TokenCreated:
    """Tokens were given."""

    tokens: tuple[GivenToken, ...]


@dataclass(frozen=True, slots=True)
class RevokedToken:
    """A token by its public id, and the credential of who revoked it."""

    token_id: str
    by: str


@dataclass(frozen=True, slots=True)
class TokenRevoked:
    """Tokens were revoked."""

    tokens: tuple[RevokedToken, ...]
