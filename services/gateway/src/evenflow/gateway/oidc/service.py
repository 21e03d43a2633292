"""The sign-in by an identity provider as one part of the gateway."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from evenflow.common.domain.errors import NotFound
from evenflow.common.runtime.settings.sections.auth import OidcSettings
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.edge.problems import Unauthorized
from evenflow.gateway.oidc.bearers import OidcBearers
from evenflow.gateway.oidc.documents import DeviceSignIn
from evenflow.gateway.oidc.people import principal_of_claims
from evenflow.gateway.oidc.provider import Provider, provider_client
from evenflow.gateway.oidc.sign_in import SignIn, SignIns
from evenflow.gateway.oidc.tokens import TokenJudge

_ERROR: Final = re.compile(r"[a-z_]{1,60}")  # what a stranger's link says is not shown


@dataclass(frozen=True, slots=True)
class Oidc:
    """Sign-ins at one provider."""

    settings: OidcSettings
    provider: Provider
    judge: TokenJudge
    sign_ins: SignIns = field(default_factory=SignIns)

    @property
    def bearers(self) -> OidcBearers:
        """Who comes with a token of the provider."""
        return OidcBearers(self.settings, self.judge)

    async def begin(self, redirect_url: str) -> tuple[str, SignIn]:
        """Return where a browser goes to sign in; raises TemporarilyUnavailable."""
        endpoints = await self.provider.endpoints()
        begun = self.sign_ins.begin(self.settings.redirect_url or redirect_url)
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id or "",
            "redirect_uri": begun.redirect_url,
            "scope": " ".join(self.settings.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": begun.challenge,
            "code_challenge_method": "S256",
        }
        mark = "&" if "?" in endpoints.authorization else "?"
        return f"{endpoints.authorization}{mark}{urlencode(query)}", begun

    async def finish(self, state: str, browser: str, code: str, error: str = "") -> Principal:
        """Return who came back from the provider; `error` is what it says instead of a code.

        Raises:
            Unauthorized: the state, the code or the token is not what was asked for.
            Forbidden: it is nobody who may be here.
            TemporarilyUnavailable: the provider does not answer.
        """
        begun = self.sign_ins.finish(state, browser)
        if error or not code:
            told = error if _ERROR.fullmatch(error) else "nothing that can be shown"
            raise Unauthorized(f"the identity provider did not sign you in; it says {told}")
        answer = await self.provider.tokens_for(code, begun.verifier, begun.redirect_url)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unauthorized("the identity provider answered without an ID token")
        claims: Any = await self.judge.claims_of(token)
        if claims.get("nonce") != begun.nonce:
            raise Unauthorized("the ID token was made for another sign-in (nonce)")
        audience = claims["aud"]
        if self.settings.client_id not in ([audience] if isinstance(audience, str) else audience):
            raise Unauthorized("the ID token was made for another client (aud)")
        return principal_of_claims(claims, self.settings)

    async def device(self) -> DeviceSignIn:
        """Return what the command needs; raises NotFound where the provider has no such flow."""
        endpoints = await self.provider.endpoints()
        if endpoints.device is None:
            raise NotFound("device flow", self.settings.issuer or "", "the provider has none")
        return DeviceSignIn(
            issuer=self.settings.issuer or "",
            client_id=self.settings.device_client,
            scope=" ".join(self.settings.scopes),
            audience=self.settings.audience,
            device_authorization_endpoint=endpoints.device,
            token_endpoint=endpoints.token,
            bearer="access_token" if self.settings.audience else "id_token",
        )


@asynccontextmanager
async def oidc_of(settings: OidcSettings) -> AsyncIterator[Oidc | None]:
    """Give the sign-in that the settings name, while the context is open; None: they do not."""
    if settings.issuer is None:
        yield None
        return
    async with provider_client(settings) as client:
        provider = Provider(settings, client)
        yield Oidc(settings, provider, TokenJudge(settings, provider))
