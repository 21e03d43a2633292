"""The section about who people are: an identity provider (OpenID Connect)."""

from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import Duration

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ALGORITHMS: Final = frozenset(
    f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)
)


class OidcRole(Section):
    """What the members of a group may do."""

    # As the provider's claim names it.
    group: str = Field(min_length=1)
    role: Literal["viewer", "member", "operator", "admin"]
    # `*` is every project.
    projects: tuple[str, ...] = Field(min_length=1)


class OidcSettings(Section):
    """People sign in at a provider; see docs/accounts.md."""

    # As the provider names itself, such as https://id.example.org/realms/lab. Absent: nobody signs
    # in so.
    issuer: str | None = None
    # Of the page, at the provider.
    client_id: str | None = None
    # One line. Absent: a public client.
    client_secret_file: Path | None = None
    # Of `evenflow login --oidc`, a public client that may use the device flow. Absent: client_id.
    device_client_id: str | None = None
    # What access tokens for this system are made out to. Absent: ID tokens of its clients are
    # taken, and the command shows those.
    audience: str | None = None
    # What is asked for. A provider may want `offline_access` for tokens that can be renewed.
    scopes: tuple[str, ...] = ("openid", "profile")
    # Where the user's name is in a token; dots go deeper.
    user_claim: str = "preferred_username"
    # Where the user's groups are.
    groups_claim: str = "groups"
    # Group by group, as [{group: ml, role: member, projects: [vision]}]. Who is in none of them is
    # refused.
    roles: tuple[OidcRole, ...] = ()
    # How tokens may be signed; never by a shared secret.
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    # How far the clocks of provider and gateway may differ.
    leeway: Duration = timedelta(seconds=30)
    # How long the provider's keys are used without asking again; an unknown key asks at once.
    keys_for: Duration = timedelta(minutes=10)
    # Where the provider sends browsers back to, whole, when the gateway is behind a proxy. Absent:
    # where the browser came to.
    redirect_url: str | None = None
    # Certificates, besides those of this machine, that may vouch for the provider.
    ca_file: Path | None = None

    @field_validator("algorithms")
    @classmethod
    def _check_algorithms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not _ALGORITHMS.issuperset(value):
            raise ValueError(f"must be some of {', '.join(sorted(_ALGORITHMS))}")
        return value

    @field_validator("issuer", "redirect_url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        is_plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or is_plain):
            raise ValueError("must be an https:// URL (http:// on loopback only)")
        if parts.query or parts.fragment or parts.username:
            raise ValueError("must be a plain URL, without a query, fragment or user")
        return value

    @model_validator(mode="after")
    def _check_client(self) -> Self:
        if self.issuer is not None and not self.client_id:
            raise ValueError("issuer needs a client_id: what the provider knows this system by")
        if self.issuer is not None and "openid" not in self.scopes:
            raise ValueError("scopes must hold openid")
        return self

    @property
    def device_client(self) -> str:
        """The client of the command."""
        return self.device_client_id or self.client_id or ""

    @property
    def audiences(self) -> frozenset[str]:
        """Whom a token may be made out to."""
        return frozenset(
            each for each in (self.audience, self.client_id, self.device_client) if each
        )


class AuthSettings(Section):
    """Who people are."""

    oidc: OidcSettings = OidcSettings()
