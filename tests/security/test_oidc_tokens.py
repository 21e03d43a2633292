"""Tokens and sign-ins of an identity provider that runs: what opens the gateway, what not."""

import hmac
import json
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from evenflow.common.runtime.settings.sections.auth import OidcRole, OidcSettings
from evenflow.gateway.edge.principal import Role
from evenflow.gateway.edge.problems import Forbidden, Unauthorized
from evenflow.gateway.oidc.people import principal_of_claims
from evenflow.gateway.oidc.provider import Provider, ProviderError, provider_client
from evenflow.gateway.oidc.service import Oidc
from evenflow.gateway.oidc.sign_in import SignIns
from evenflow.gateway.oidc.tokens import TokenJudge
from tests.security.oidc_kit import HERE, at_the_provider, device_tokens, running_provider


@pytest.fixture(scope="module")
def issuer():
    with running_provider() as url:
        yield url


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "client-secret"
    path.write_text("the-page-secret\n")
    return path


@dataclass
class Clock:
    now: float = 0.0

    def wall(self):
        return time.time() + self.now

    def monotonic(self):
        return time.monotonic() + self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def oidc(issuer, secret_file, clock):
    settings = OidcSettings(
        issuer=issuer,
        client_id="page",
        client_secret_file=secret_file,
        device_client_id="command",
        roles=(
            OidcRole(group="ml", role="member", projects=("vision", "speech")),
            OidcRole(group="operators", role="operator", projects=("vision",)),
        ),
    )
    async with provider_client(settings) as client:
        provider = Provider(settings, client, clock.monotonic)
        judge = TokenJudge(settings, provider, clock.wall)
        yield Oidc(settings, provider, judge, SignIns(clock.monotonic))


def parts_of(token):
    head, body, signature = token.split(".")
    read = [json.loads(urlsafe_b64decode(part + "==")) for part in (head, body)]
    return (*read, signature)


def unsigned(header, claims, signature=""):
    texts = [
        urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode()
        for each in (header, claims)
    ]
    return ".".join((*texts, signature))


def signed_by_secret(header, claims, secret):
    """As `alg: HS256` with a published key as the secret; no library makes it any more."""
    text = unsigned(header, claims).rstrip(".")
    digest = hmac.new(secret, text.encode(), "sha256").digest()
    return f"{text}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"


async def test_a_browser_signs_in_by_the_code_flow_with_pkce_state_and_nonce(oidc):
    url, begun = await oidc.begin(HERE)
    asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert begun.verifier not in url
    back = await at_the_provider(url, "olga")
    principal = await oidc.finish(back["state"], begun.browser, back["code"])
    assert (principal.user, principal.credential, principal.account) == ("olga", "oidc", None)
    assert principal.roles == {"vision": Role.OPERATOR, "speech": Role.MEMBER}


async def test_a_state_comes_back_once_in_time_and_to_the_browser_that_began(oidc, clock):
    url, begun = await oidc.begin(HERE)
    back = await at_the_provider(url)
    await oidc.finish(back["state"], begun.browser, back["code"])
    with pytest.raises(Unauthorized, match="over or was never begun"):
        await oidc.finish(back["state"], begun.browser, back["code"])
    url, _begun = await oidc.begin(HERE)
    back = await at_the_provider(url)
    with pytest.raises(Unauthorized, match="another browser"):
        await oidc.finish(back["state"], "", back["code"])
    url, begun = await oidc.begin(HERE)
    back = await at_the_provider(url)
    clock.now += 601
    with pytest.raises(Unauthorized, match="over or was never begun"):
        await oidc.finish(back["state"], begun.browser, back["code"])
    with pytest.raises(Unauthorized, match="over or was never begun"):
        await oidc.finish("made-up", begun.browser, back["code"])


async def test_a_code_of_another_sign_in_is_of_no_use(oidc):
    url, begun = await oidc.begin(HERE)
    stolen = (await at_the_provider(url, "olga"))["code"]
    other_url, other = await oidc.begin(HERE)
    await at_the_provider(other_url)
    with pytest.raises(Unauthorized, match="refused the sign-in"):  # its verifier does not fit
        await oidc.finish(other.state, other.browser, stolen)
    assert begun.state != other.state


async def test_who_says_no_at_the_provider_is_told_so_and_a_made_up_error_is_not_shown(oidc):
    for error, told in (("access_denied", "it says access_denied"), ("<b>Call 555", "nothing")):
        _, begun = await oidc.begin(HERE)
        with pytest.raises(Unauthorized, match=told) as refusal:
            await oidc.finish(begun.state, begun.browser, "", error)
        assert "555" not in str(refusal.value)


async def test_an_id_token_of_the_device_flow_opens_and_is_judged_once(oidc, issuer):
    token = (await device_tokens(issuer))["id_token"]
    claims = await oidc.judge.claims_of(token)
    principal = principal_of_claims(claims, oidc.settings)
    assert (principal.user, dict(principal.roles)) == (
        "ada",
        {"vision": Role.MEMBER, "speech": Role.MEMBER},
    )
    assert oidc.judge.known_claims(token) is claims
    await oidc.bearers.prepare(token)
    assert oidc.bearers.principal_of(token) == principal
    assert oidc.bearers.principal_of("no-token-of-theirs") is None


async def test_a_token_for_somebody_else_is_refused(oidc, issuer):
    for token in (
        (await device_tokens(issuer, client="other-app"))["id_token"],
        (await device_tokens(issuer, client="other-app"))["access_token"],
        (await device_tokens(issuer, audience="https://elsewhere"))["access_token"],
    ):
        with pytest.raises(Unauthorized, match="aud"):
            await oidc.judge.claims_of(token)


async def test_an_access_token_made_out_to_the_audience_is_taken(oidc, issuer):
    tokens = await device_tokens(issuer, client="other-app", audience="https://evenflow.test")
    settings = oidc.settings.model_copy(update={"audience": "https://evenflow.test"})
    judge = TokenJudge(settings, oidc.provider)
    assert (await judge.claims_of(tokens["access_token"]))["preferred_username"] == "ada"


async def test_a_token_ends_with_its_time_also_when_it_was_good_before(oidc, issuer, clock):
    token = (await device_tokens(issuer))["id_token"]
    ends_in = (await oidc.judge.claims_of(token))["exp"] - time.time()
    clock.now = ends_in + 20  # within the leeway
    await oidc.judge.claims_of(token)
    clock.now = ends_in + 40
    with pytest.raises(Unauthorized, match="expired"):
        await oidc.judge.claims_of(token)


async def test_no_signature_a_strangers_or_one_by_a_public_secret_is_taken(oidc, issuer):
    token = (await device_tokens(issuer))["id_token"]
    header, claims, signature = parts_of(token)
    claims["groups"] = ["operators"]
    stranger = RSAKey.generate_key(2048)
    published = (await oidc.provider.keys(None))[0]
    bad = {
        "alg none": unsigned({"alg": "none", "typ": "JWT"}, claims),
        "a key of no name": unsigned({**header, "kid": "x"}, claims),
        "alg None with kid": unsigned({**header, "alg": "None"}, claims),
        "the old signature": unsigned(header, claims, signature),
        "no signature": unsigned(header, claims),
        "another key": jwt.encode(header, claims, stranger),
        "key in the header": jwt.encode(
            {**header, "jwk": stranger.as_dict(private=False)}, claims, stranger
        ),
        "public key as secret": signed_by_secret(
            {"alg": "HS256", "kid": header["kid"]}, claims, published.as_pem(private=False)
        ),
        "alg not allowed": unsigned({**header, "alg": "RS1"}, claims, signature),
        "no json": "e30.e30.e30",
        "no base64": "\u00e9.a.b",
        "huge": f"{token}{'A' * 20_000}",
    }
    for what, each in bad.items():
        with pytest.raises(Unauthorized):
            await oidc.judge.claims_of(each)
        assert oidc.bearers.principal_of(each[:16_000]) is None, what
    assert oidc.judge.known_claims(token) is None  # not remembered before it was judged
    await oidc.judge.claims_of(token)


async def test_other_issuers_and_missing_claims_are_refused(oidc, issuer):
    key = RSAKey.generate_key(2048, {"kid": "k"})
    judge = oidc.judge
    good = {
        "iss": issuer,
        "aud": "command",
        "sub": "x",
        "exp": int(time.time()) + 60,
        "preferred_username": "ada",
    }
    oidc.provider._keys = (*await oidc.provider.keys(None), key)  # as if it were the provider's
    signed = lambda claims: jwt.encode({"alg": "RS256", "kid": "k"}, claims, key)  # noqa: E731
    await judge.claims_of(signed(good))
    for name, value in (
        ("iss", issuer + "/"),
        ("iss", None),
        ("aud", None),
        ("aud", []),
        ("exp", None),
        ("exp", "tomorrow"),
        ("sub", None),
        ("nbf", int(time.time()) + 3600),
    ):
        claims = {k: v for k, v in {**good, name: value}.items() if v is not None}
        with pytest.raises(Unauthorized):
            await judge.claims_of(signed(claims))
    with pytest.raises(Unauthorized, match="asked for by"):
        await judge.claims_of(signed({**good, "aud": ["command", "x"], "azp": "x"}))


async def test_keys_that_rotate_are_found_and_a_made_up_key_asks_the_provider_rarely(
    oidc, issuer, clock
):
    await oidc.judge.claims_of((await device_tokens(issuer))["id_token"])
    async with httpx.AsyncClient(trust_env=False) as http:
        await http.post(f"{issuer}/rotate")
    clock.now += 11
    token = (await device_tokens(issuer))["id_token"]
    await oidc.judge.claims_of(token)
    asked_at = oidc.provider._keys_at
    for number in range(5):
        made_up = unsigned({"alg": "RS256", "kid": f"k{number}"}, {})
        with pytest.raises(Unauthorized):
            await oidc.judge.claims_of(made_up)
    assert oidc.provider._keys_at == asked_at


async def test_groups_without_a_role_and_names_that_are_no_users_are_refused(oidc, issuer):
    for user, told in (("nemo", "no group that has a role"), ("ev\te", "cannot be")):
        claims = await oidc.judge.claims_of((await device_tokens(issuer, user))["id_token"])
        with pytest.raises(Forbidden, match=told):
            principal_of_claims(claims, oidc.settings)
    by_mail = oidc.settings.model_copy(update={"user_claim": "email"})
    with pytest.raises(Forbidden, match="not verified"):
        principal_of_claims({"email": "ada", "groups": ["ml"]}, by_mail)
    deep = oidc.settings.model_copy(update={"groups_claim": "realm_access.roles"})
    found = principal_of_claims(
        {"preferred_username": "ada", "realm_access": {"roles": ["ml"]}}, deep
    )
    assert found.may("speech", Role.MEMBER)


async def test_a_provider_of_another_name_is_not_believed(oidc, issuer):
    settings = oidc.settings.model_copy(update={"issuer": f"{issuer}/"})
    async with provider_client(settings) as client:
        with pytest.raises(ProviderError, match=re.escape(settings.issuer)):
            await Provider(settings, client).endpoints()
