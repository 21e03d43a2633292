"""Judges tokens of the identity provider: who signed them, for whom, and for how long."""

import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from evenflow.common.contracts.json_text import read_json
from evenflow.common.runtime.settings.sections.auth import OidcSettings
from evenflow.gateway.edge.problems import Unauthorized
from evenflow.gateway.oidc.provider import Provider

Claims = Mapping[str, Any]
_LONGEST: Final = 16_384  # characters; a token with hundreds of groups has some 10,000
_REMEMBERED: Final = 1_000


def looks_like_one(token: str) -> bool:
    """Whether a bearer may be a signed token of a provider: three parts with dots between."""
    return token.count(".") == 2  # noqa: PLR2004 - header, claims, signature


class TokenJudge:
    """Remembers what it has judged until that expires: a signature costs more than a look-up."""

    def __init__(
        self,
        settings: OidcSettings,
        provider: Provider,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is the wall clock in seconds."""
        self._settings = settings
        self._provider = provider
        self._clock = clock
        self._known: OrderedDict[bytes, Claims] = OrderedDict()

    async def claims_of(self, token: str) -> Claims:
        """Return the claims of a good token.

        Raises:
            Unauthorized: with what is wrong with it.
            TemporarilyUnavailable: the provider's keys cannot be had.
        """
        known = self.known_claims(token)
        if known is not None:
            return known
        claims = await self._judged(token)
        self._check(claims)
        self._known[_mark(token)] = claims
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return claims

    def known_claims(self, token: str) -> Claims | None:
        """Return the claims of a token that was found good before; raises Unauthorized."""
        if len(token) > _LONGEST:
            raise Unauthorized(f"the token is over {_LONGEST} characters")
        claims = self._known.get(_mark(token))
        if claims is not None:
            self._check(claims)
        return claims

    async def _judged(self, token: str) -> Claims:
        # The header is a stranger's word: it only says which key to look for.
        key_id = _key_id(token)
        keys = await self._provider.keys(key_id)
        try:
            return self._verified(token, keys, key_id)
        except Unauthorized:
            # Without a key's name nobody can tell that a new one is meant.
            newer = keys if key_id else await self._provider.keys(None, is_missing=True)
            if newer is keys:
                raise
            return self._verified(token, newer, key_id)

    def _verified(self, token: str, keys: Sequence[Key], key_id: str | None) -> Claims:
        """Return the claims of a token that one of the keys has signed; raises Unauthorized."""
        allowed = list(self._settings.algorithms)
        reason = "no key of that name"
        for key in keys:
            if key_id is not None and key.kid != key_id:
                continue
            try:
                return jwt.decode(token, key, algorithms=allowed).claims
            except (JoseError, ValueError, TypeError, KeyError) as error:
                reason = str(error) or type(error).__name__
        raise Unauthorized(f"the token is not signed by {self._settings.issuer}: {reason[:200]}")

    def _check(self, claims: Claims) -> None:
        """Refuse what is for others, not yet or no longer valid."""
        settings = self._settings
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=int(settings.leeway.total_seconds()),
            iss={"essential": True, "value": settings.issuer or ""},
            aud={"essential": True, "values": sorted(settings.audiences)},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(dict(claims))
        except JoseError as error:
            raise Unauthorized(f"the token does not hold here: {error}") from error
        audience = claims["aud"]
        # A token of several audiences says for which of them it was asked for.
        party = claims.get("azp")
        is_shared = isinstance(audience, list) and len(audience) > 1
        if is_shared and party is not None and party not in settings.audiences:
            raise Unauthorized(f"the token was asked for by {str(party)[:80]!r}, not by us")


def _mark(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()


def _key_id(token: str) -> str | None:
    head = token.partition(".")[0]
    try:
        header = read_json(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError as error:
        raise Unauthorized("the token is none: its header cannot be read") from error
    found = header.get("kid") if isinstance(header, dict) else None
    return found if isinstance(found, str) else None
