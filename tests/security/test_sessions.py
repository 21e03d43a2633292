"""The page's way in: links that work once, the session's cookie, and what other sites may do."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.security.conftest import Gateway

HTML = {"Accept": "text/html"}


def cookie_of(gateway: Gateway) -> str:
    return f"evenflow_session_{gateway.url.rpartition(':')[2]}"


def link(gateway: Gateway, token: str) -> str:
    with gateway.client(token) as client:
        answer = client.post("/api/v1/login-links")
    assert answer.status_code == 201
    return str(answer.json()["path"])


@contextmanager
def entered(gateway: Gateway, token: str | None = None) -> Iterator[httpx.Client]:
    """A browser, as far as cookies go, that came in by a link."""
    with httpx.Client(base_url=gateway.url, headers=HTML, timeout=20) as browser:
        answer = browser.get(link(gateway, token or gateway.file_token))
        assert answer.status_code == 200, answer.text
        assert cookie_of(gateway) in browser.cookies
        yield browser


def test_who_has_no_session_sees_how_to_get_in(gateway: Gateway) -> None:
    with httpx.Client(base_url=gateway.url, headers=HTML) as browser:
        for path in ("/", "/docs"):
            page = browser.get(path)
            assert page.status_code == 401
            assert "evenflow open" in page.text
            assert '<form method="post" action="/login">' in page.text
        assert "script" not in page.text
        assert browser.get("/login.css").status_code == 200


def test_a_link_opens_the_page_once(gateway: Gateway) -> None:
    path = link(gateway, gateway.file_token)
    with httpx.Client(base_url=gateway.url) as first, httpx.Client(base_url=gateway.url) as second:
        answer = first.get(path)
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie  # only under TLS: the browser would not send it back here
        assert answer.headers["referrer-policy"] == "same-origin"
        refused = second.get(path)
        assert refused.status_code == 401
        assert "used already" in refused.text
        assert first.get("/").status_code == 200
        assert second.get("/").status_code == 401


def test_everything_of_the_page_works_with_its_cookie(gateway: Gateway) -> None:
    with entered(gateway) as browser:
        assert "of-a" in browser.get("/").text
        docs = browser.get("/docs").text
        for path in (*re.findall(r'(?:src|href)="(/[^"]+)"', docs), "/openapi.json",
                     "/static/page.js", "/static/page.css"):  # fmt: skip
            assert browser.get(path).status_code == 200, path
        assert "http" not in docs  # nothing from elsewhere
        for path in ("/status-stream", "/api/v1/events?from=1"):
            with browser.stream("GET", path) as stream:
                assert stream.status_code == 200
                assert next(stream.iter_lines())


def test_a_token_opens_a_session_by_the_form(gateway: Gateway) -> None:
    ours = {"Origin": gateway.url}
    with httpx.Client(base_url=gateway.url, headers=HTML) as browser:
        wrong = browser.post("/login", data={"token": "evf_x"}, headers=ours)
        assert wrong.status_code == 401
        assert "not known" in wrong.text
        token = gateway.tokens["viewer", "a"]
        elsewhere = {"Origin": "http://127.0.0.1:9"}
        assert browser.post("/login", data={"token": token}, headers=elsewhere).status_code == 403
        assert browser.post("/login", data={"token": token}, headers=ours).status_code == 200
        assert browser.get("/api/v1/whoami").json()["user_id"] == "viewer-a"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 403, id="nothing says where it comes from"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="another site"),
        pytest.param({"Origin": "http://127.0.0.1:9"}, 403, id="another port of this host"),
        pytest.param({"Origin": "null"}, 403, id="a page without a site"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="the browser says another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="the browser says another port"),
        pytest.param({"Sec-Fetch-Site": "none"}, 403, id="typed by hand, which changes nothing"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 201, id="our page, the browser says"),
        pytest.param({"Origin": "OURS"}, 201, id="our page"),
    ],
)
def test_with_the_cookie_only_our_own_page_changes_anything(
    gateway: Gateway, headers: dict[str, str], status: int
) -> None:
    sent = {key: gateway.url if value == "OURS" else value for key, value in headers.items()}
    body = {"name": "by-cookie", "executor_config": {}}
    with entered(gateway) as browser:
        assert browser.post("/api/v1/jobs", json=body, headers=sent).status_code == status


def test_who_logs_out_is_out(gateway: Gateway) -> None:
    with entered(gateway) as browser:
        kept = browser.cookies[cookie_of(gateway)]
        assert browser.post("/logout", headers={"Origin": gateway.url}).status_code == 200
        assert cookie_of(gateway) not in browser.cookies
        browser.cookies.set(cookie_of(gateway), kept)
        assert browser.get("/").status_code == 401


def test_a_session_ends_with_the_token_it_came_from(gateway: Gateway) -> None:
    made = gateway.make_token("short", "a")
    with entered(gateway, made["token"]) as browser, gateway.owner() as owner:
        assert browser.get("/").status_code == 200
        with browser.stream("GET", "/status-stream") as stream:
            lines = stream.iter_lines()
            assert next(lines)
            assert owner.delete(f"/api/v1/tokens/{made['id']}").status_code == 200
            began = time.monotonic()
            for _ in lines:
                assert time.monotonic() - began < 5
        assert browser.get("/").status_code == 401


def test_a_token_ends_by_itself(gateway: Gateway) -> None:
    made = gateway.make_token("brief", "a", expires_in_seconds=1)
    with entered(gateway, made["token"]) as browser, gateway.client(made["token"]) as client:
        assert client.get("/api/v1/jobs").status_code == 200
        time.sleep(1.1)
        assert client.get("/api/v1/jobs").status_code == 401
        assert browser.get("/").status_code == 401
