"""What the identity provider says of itself: its endpoints and keys, and tokens for codes."""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from evenflow.common.domain.errors import EvenflowError, TemporarilyUnavailable
from evenflow.common.runtime.settings.sections.auth import OidcSettings
from evenflow.gateway.edge.problems import Unauthorized

_TIMEOUT: Final = httpx.Timeout(5.0)
_LARGEST_ANSWER: Final = 2**20
# Tokens may name keys that nobody has: the provider is not asked for each.
_ASK_AGAIN_SECONDS: Final = 10.0
_MOST_KEYS: Final = 20  # each is tried with a token that names none
_ASYMMETRIC: Final = frozenset({"RSA", "EC"})


class ProviderError(EvenflowError):
    """The provider answers what it must not; nobody can sign in until that is mended there."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the provider does what; None where it does not."""

    authorization: str
    token: str
    keys: str
    device: str | None = None


class Provider:
    """One identity provider. What it says is kept for a while, then asked for again."""

    def __init__(
        self,
        settings: OidcSettings,
        client: httpx.AsyncClient,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        self._client = client
        self._monotonic = monotonic
        self._endpoints: Endpoints | None = None
        self._keys: tuple[Key, ...] = ()
        self._keys_at: float | None = None
        self._asking = asyncio.Lock()

    async def endpoints(self) -> Endpoints:
        """Return what the discovery document says; asked for once.

        Raises:
            TemporarilyUnavailable: the provider does not answer.
            ProviderError: it is another issuer than the settings name, or says too little.
        """
        if self._endpoints is None:
            issuer = self._settings.issuer or ""
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            document = await self._get(url)
            if document.get("issuer") != issuer:
                raise ProviderError(
                    f"auth.oidc.issuer is {issuer}, but {url} says {document.get('issuer')!r}"
                )
            try:
                self._endpoints = Endpoints(
                    self._checked(document["authorization_endpoint"]),
                    self._checked(document["token_endpoint"]),
                    self._checked(document["jwks_uri"]),
                    self._checked(document.get("device_authorization_endpoint")) or None,
                )
            except KeyError as error:
                raise ProviderError(f"{url} lacks {error}") from error
        return self._endpoints

    async def keys(self, key_id: str | None, *, is_missing: bool = False) -> tuple[Key, ...]:
        """Return the provider's keys, fresh enough, and asked for again when `key_id` is none.

        `is_missing`: the key that is sought is not among them, whatever its name.

        Raises:
            TemporarilyUnavailable, ProviderError: as `endpoints`, when there are none at all.
        """
        if not self._needs_keys(key_id, is_missing=is_missing):
            return self._keys
        async with self._asking:
            if self._needs_keys(key_id, is_missing=is_missing):
                try:
                    endpoints = await self.endpoints()
                    document = await self._get(endpoints.keys)
                except TemporarilyUnavailable:
                    if not self._keys:
                        raise
                    self._keys_at = self._monotonic()  # those we have still hold
                else:
                    self._keys = _signing_keys(document)
                    self._keys_at = self._monotonic()
        return self._keys

    def _needs_keys(self, key_id: str | None, *, is_missing: bool) -> bool:
        if self._keys_at is None:
            return True
        age = self._monotonic() - self._keys_at
        if age > self._settings.keys_for.total_seconds():
            return True
        is_known = key_id is None or any(key.kid == key_id for key in self._keys)
        return (is_missing or not is_known) and age > _ASK_AGAIN_SECONDS

    async def tokens_for(self, code: str, verifier: str, redirect_url: str) -> dict[str, Any]:
        """Return the token answer for an authorization code.

        Raises:
            Unauthorized: the provider refuses the code.
            TemporarilyUnavailable: it does not answer.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_url,
            "code_verifier": verifier,
            "client_id": self._settings.client_id or "",
        }
        secret = self._secret()
        auth = httpx.BasicAuth(form["client_id"], secret) if secret else httpx.Auth()
        endpoints = await self.endpoints()
        try:
            response = await self._client.post(
                endpoints.token, data=form, auth=auth, headers={"Accept": "application/json"}
            )
        except httpx.HTTPError as error:
            raise self._unavailable(error) from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise self._unavailable(f"HTTP {response.status_code}")
        if response.is_error:
            # What it says is for whoever set the client up; it may repeat what was sent.
            raise Unauthorized(
                f"the identity provider refused the sign-in (HTTP {response.status_code}): "
                "start again at /login/oidc"
            )
        return _document(response)

    def _secret(self) -> str:
        path = self._settings.client_secret_file
        if path is None:
            return ""
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ProviderError(f"auth.oidc.client_secret_file {path}: {error.strerror}") from error

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            response = await self._client.get(url, headers={"Accept": "application/json"})
        except httpx.HTTPError as error:
            raise self._unavailable(error) from error
        if response.status_code != httpx.codes.OK:
            raise self._unavailable(f"HTTP {response.status_code} at {url}")
        return _document(response)

    def _checked(self, url: Any) -> str:
        """Return an endpoint; over the network it must be https like the issuer."""
        if url is None:
            return ""
        is_secure = str(self._settings.issuer).startswith("https://")
        if not isinstance(url, str) or (is_secure and not url.startswith("https://")):
            raise ProviderError(f"the provider names {url!r}, which is not https")
        return url

    def _unavailable(self, reason: object) -> TemporarilyUnavailable:
        told = str(reason) or type(reason).__name__
        return TemporarilyUnavailable(
            f"the identity provider {self._settings.issuer} does not answer: {told}", 5.0
        )


def provider_client(settings: OidcSettings) -> httpx.AsyncClient:
    """Return the connection to the provider: nothing follows a redirect, no proxy is guessed."""
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        context.load_verify_locations(settings.ca_file)
    return httpx.AsyncClient(
        timeout=_TIMEOUT, verify=context, trust_env=False, follow_redirects=False
    )


def _document(response: httpx.Response) -> dict[str, Any]:
    if len(response.content) > _LARGEST_ANSWER:
        raise ProviderError(f"{response.request.url.host} answers {len(response.content)} bytes")
    try:
        document = response.json()
    except ValueError as error:
        raise ProviderError(f"{response.request.url.host} does not answer JSON") from error
    if not isinstance(document, dict):
        raise ProviderError(f"{response.request.url.host} does not answer a JSON object")
    return document


def _signing_keys(document: dict[str, Any]) -> tuple[Key, ...]:
    """Return the public keys for signatures; others, shared secrets above all, are left out."""
    found = []
    for each in document.get("keys") or ():
        is_ours = isinstance(each, dict) and each.get("kty") in _ASYMMETRIC
        if not is_ours or each.get("use", "sig") != "sig":
            continue
        try:
            found.append(JWKRegistry.import_key(each))
        except (JoseError, ValueError, TypeError):
            continue  # of a curve or form that we do not know
    return tuple(found[:_MOST_KEYS])
