"""Bearer tokens of the identity provider as principals, for the guard: judged first, then asked."""

from dataclasses import dataclass

from evenflow.common.runtime.settings.sections.auth import OidcSettings
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.oidc.people import principal_of_claims
from evenflow.gateway.oidc.tokens import TokenJudge, looks_like_one


@dataclass(frozen=True, slots=True)
class OidcBearers:
    """Who comes with a token of the provider."""

    settings: OidcSettings
    judge: TokenJudge

    async def prepare(self, token: str) -> None:
        """Judge a token, which may take an answer of the provider; others' are left alone.

        Raises:
            Unauthorized: it is the provider's by its shape, and not good.
            TemporarilyUnavailable: the provider's keys cannot be had.
        """
        if looks_like_one(token):
            await self.judge.claims_of(token)

    def principal_of(self, token: str) -> Principal | None:
        """Return who shows a token that was prepared; None when it is none of the provider's.

        Raises:
            Unauthorized: it has expired since.
            Forbidden: its claims name nobody who may be here.
        """
        if not looks_like_one(token):
            return None
        claims = self.judge.known_claims(token)
        return None if claims is None else principal_of_claims(claims, self.settings)
