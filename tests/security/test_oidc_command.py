"""The device flow of `evenflow login --oidc` and what is kept of it, at a running provider."""

import stat
import threading
import time
from dataclasses import replace

import httpx
import pytest

from evenflow.client.login.device_flow import SignInFailed, needs_renewal, renewed, sign_in
from evenflow.client.login.kept import Logins
from tests.security.oidc_kit import running_provider

GATEWAY = "https://evenflow.test"


@pytest.fixture(scope="module")
def issuer():
    with running_provider() as url:
        yield url


def provider(issuer, **more):
    return {
        "client_id": "command",
        "scope": "openid profile",
        "audience": None,
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "token_endpoint": f"{issuer}/token",
        "bearer": "id_token",
        **more,
    }


def consent(issuer, answer="yes"):
    """Return what a person does with what the terminal shows."""

    def act(prompt):
        assert prompt.url == f"{issuer}/device"
        assert prompt.code in prompt.complete_url
        form = {"user_code": prompt.code, "user": "ada", "answer": answer}
        threading.Timer(0.2, lambda: httpx.post(prompt.url, data=form)).start()

    return act


@pytest.fixture
def http():
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture
def logins(tmp_path):
    return Logins(tmp_path / "evenflow" / "logins")


@pytest.fixture
def login(issuer, http):
    return sign_in(GATEWAY, provider(issuer), consent(issuer), http, lambda s: time.sleep(s / 2))


def test_a_person_consents_elsewhere_and_the_tokens_are_kept_for_nobody_else(login, logins):
    assert login.token.count(".") == 2
    assert login.token not in repr(login)
    assert not needs_renewal(login)
    path = logins.keep(login)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert logins.of(GATEWAY) == login
    assert logins.of("https://elsewhere.test") is None  # it is shown nowhere else
    assert (logins.forget(GATEWAY), logins.of(GATEWAY)) == (True, None)


def test_tokens_are_renewed_once_however_many_want_it(login, logins, http):
    old = replace(login, expires_at=time.time() + 10)
    logins.keep(old)
    found = []
    many = [threading.Thread(target=lambda: found.append(renewed(old, logins))) for _ in range(4)]
    for each in many:
        each.start()
    for each in many:
        each.join()
    assert len(found) == 4
    assert len({each.refresh_token for each in found}) == 1
    assert found[0].refresh_token != old.refresh_token  # good for one use
    logins.keep(old)  # as if another machine had used it
    with pytest.raises(SignInFailed, match="was not renewed"):
        renewed(old, logins, http)


def test_who_says_no_is_told_so(issuer, http):
    with pytest.raises(SignInFailed, match="refused in the browser"):
        sign_in(GATEWAY, provider(issuer), consent(issuer, "no"), http, lambda s: time.sleep(s / 2))


def test_an_access_token_is_asked_for_where_the_gateway_wants_one(issuer, http):
    told = provider(issuer, bearer="access_token", audience="https://evenflow.test")
    got = sign_in(GATEWAY, told, consent(issuer), http, lambda s: time.sleep(s / 2))
    assert got.kind == "access_token"
    assert got.token.count(".") == 2


def test_no_token_is_sent_where_others_can_read_it(issuer, http):
    told = provider(issuer, token_endpoint="http://id.example.org/token")  # noqa: S106 - a URL
    with pytest.raises(SignInFailed, match="not https"):
        sign_in(GATEWAY, told, lambda _prompt: None, http, lambda _s: None)
