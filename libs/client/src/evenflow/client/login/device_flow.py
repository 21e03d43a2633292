"""The device flow (RFC 8628): a person consents in any browser while a terminal waits."""

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from json import loads
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from evenflow.client.login.kept import Login, Logins
from evenflow.client.login.trust import trusted
from evenflow.common.domain.errors import EvenflowError

EARLY_SECONDS: Final = 30.0
"""So long before its end a token is renewed."""
_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_TIMEOUT: Final = httpx.Timeout(10.0)
_LONGEST_SECONDS: Final = 1_800.0
_SLOWER_SECONDS: Final = 5.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class SignInFailed(EvenflowError):
    """No tokens were got."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person is shown."""

    url: str
    code: str
    complete_url: str | None
    seconds: float


def sign_in(
    url: str,
    provider: Mapping[str, Any],
    show: Callable[[Prompt], None],
    http: httpx.Client,
    sleep: Callable[[float], None] = time.sleep,
) -> Login:
    """Return tokens for the gateway at `url`, whose provider is told by `GET /api/v1/login/oidc`.

    Raises:
        SignInFailed: the person said no, waited too long, or the provider answers nonsense.
    """
    client_id, scope = str(provider["client_id"]), str(provider["scope"])
    form = {"client_id": client_id, "scope": scope}
    if provider.get("audience"):
        form["audience"] = str(provider["audience"])
    begun = _post(http, _secure(provider["device_authorization_endpoint"]), form)
    if "device_code" not in begun:
        raise SignInFailed(f"the provider does not begin a sign-in: {_told(begun)}")
    lasts = min(_LONGEST_SECONDS, _number(begun.get("expires_in"), 600.0))
    show(
        Prompt(
            _shown(begun.get("verification_uri")),
            str(begun.get("user_code", "")),
            begun.get("verification_uri_complete") and _shown(begun["verification_uri_complete"]),
            lasts,
        )
    )
    token_endpoint = _secure(provider["token_endpoint"])
    poll = {"grant_type": _GRANT, "device_code": str(begun["device_code"]), **form}
    pause, waited = max(1.0, _number(begun.get("interval"), 5.0)), 0.0
    while True:
        sleep(pause)
        waited += pause
        answer = _post(http, token_endpoint, poll)
        match answer.get("error"):
            case None:
                empty = Login(
                    url, client_id, token_endpoint, str(provider["bearer"]), "", None, 0.0,
                    scope, provider.get("audience"),
                )  # fmt: skip
                return _filled(empty, answer)
            case "authorization_pending" if waited < lasts:
                pass
            case "slow_down" if waited < lasts:
                pause += _SLOWER_SECONDS
            case "access_denied":
                raise SignInFailed("the sign-in was refused in the browser")
            case "authorization_pending" | "slow_down" | "expired_token":
                raise SignInFailed("nobody signed in in time: run `evenflow login --oidc` again")
            case _:
                raise SignInFailed(f"the provider refuses: {_told(answer)}")


def needs_renewal(login: Login, now: float | None = None) -> bool:
    """Whether a token is over or nearly so."""
    return login.expires_at - (time.time() if now is None else now) < EARLY_SECONDS


def renewed(login: Login, logins: Logins, http: httpx.Client | None = None) -> Login:
    """Return tokens that are good for a while, kept; those of another process when it was first.

    Raises:
        SignInFailed: the provider gives none any more; the person must sign in again.
    """
    with logins.locked():
        latest = logins.of(login.url) or login
        if not needs_renewal(latest):
            return latest
        if latest.refresh_token is None:
            raise SignInFailed(_again(latest, "has ended and cannot be renewed"))
        form = {
            "grant_type": "refresh_token",
            "refresh_token": latest.refresh_token,
            "client_id": latest.client_id,
            "scope": latest.scope,
        }
        if latest.audience:
            form["audience"] = latest.audience
        if http is not None:
            answer = _post(http, latest.token_endpoint, form)
        else:
            with httpx.Client(timeout=_TIMEOUT, verify=trusted()) as own:
                answer = _post(own, latest.token_endpoint, form)
        if "error" in answer:
            raise SignInFailed(_again(latest, f"was not renewed: {_told(answer)}"))
        fresh = _filled(latest, answer)
        logins.keep(fresh)
        return fresh


def _filled(login: Login, answer: Mapping[str, Any]) -> Login:
    token = answer.get(login.kind)
    if not isinstance(token, str):
        raise SignInFailed(_again(login, f"was answered without {login.kind}"))
    return replace(
        login,
        token=token,
        refresh_token=answer.get("refresh_token") or login.refresh_token,
        expires_at=_end_of(token, answer),
    )


def _end_of(token: str, answer: Mapping[str, Any]) -> float:
    """Return when a token ends, as it says itself; else as the answer says."""
    try:
        body = token.split(".")[1]
        return float(loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return time.time() + _number(answer.get("expires_in"), 60.0)


def _post(http: httpx.Client, url: str, form: Mapping[str, str]) -> dict[str, Any]:
    try:
        answer = http.post(url, data=dict(form), headers={"Accept": "application/json"})
        document = answer.json()
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise SignInFailed(f"the identity provider at {url} does not answer: {reason}") from error
    except ValueError as error:
        raise SignInFailed(f"{url} does not answer JSON (HTTP {answer.status_code})") from error
    if not isinstance(document, dict):
        raise SignInFailed(f"{url} does not answer a JSON object")
    if answer.is_error:
        document.setdefault("error", f"HTTP {answer.status_code}")
    return document


def _secure(url: Any) -> str:
    """Return an endpoint that tokens may be sent to."""
    parts = urlsplit(str(url))
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return str(url)
    raise SignInFailed(f"{url!r} is not https: no token is sent there")


def _shown(url: Any) -> str:
    text = str(url or "")
    if urlsplit(text).scheme not in {"https", "http"} or not text.isprintable():
        raise SignInFailed(f"the provider shows {text[:80]!r}, which is no address to open")
    return text


def _told(answer: Mapping[str, Any]) -> str:
    text = str(answer.get("error_description") or answer.get("error") or "nothing")
    return "".join(each for each in text if each.isprintable())[:200]


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else default


def _again(login: Login, what: str) -> str:
    return f"your sign-in at {login.url} {what}\nRun `evenflow login --oidc --url {login.url}`."
