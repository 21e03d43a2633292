"""The page, its live news and the documentation of the API, in a real browser that must log in."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.security.conftest import Gateway
from tests.security.test_sessions import link

_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_SECONDS = 30


@pytest.fixture
def browser() -> Iterator[Chrome]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        assert os.environ.get("CI") != "true", "CI has no Chromium: .ci/browser installs it"
        pytest.skip("no Chromium: sudo apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    with Chrome(options, Service(driver)) as opened:
        yield opened


def wait(browser: Chrome, holds: Any) -> Any:
    return WebDriverWait(browser, _SECONDS, 0.1).until(holds)


def has(browser: Chrome, text: str) -> None:
    wait(browser, lambda b: text in b.find_element(By.TAG_NAME, "body").text)


def complaints(browser: Chrome) -> list[str]:
    """What the browser refused or could not load; the first page without a session is a 401."""
    lines = [line["message"] for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    return [line for line in lines if "401" not in line]


def test_a_token_opens_the_page_and_news_come_by_themselves(
    gateway: Gateway, browser: Chrome
) -> None:
    browser.get(gateway.url)
    has(browser, "evenflow open")
    assert "of-a" not in browser.page_source
    browser.find_element(By.CSS_SELECTOR, 'form[action="/login"] input[name]').send_keys(
        gateway.file_token
    )
    browser.find_element(By.CSS_SELECTOR, 'form[action="/login"] button').click()
    wait(browser, lambda b: b.find_elements(By.ID, "jobs"))
    assert browser.execute_script("return document.cookie") == ""  # no script can read it
    gateway.submit(gateway.file_token, queue_id="a/q", name="told-by-the-stream")
    has(browser, "told-by-the-stream")
    assert complaints(browser) == []


def test_a_viewer_of_one_project_sees_nothing_of_another(gateway: Gateway, browser: Chrome) -> None:
    browser.get(gateway.url + link(gateway, gateway.tokens["viewer", "b"]))
    wait(browser, lambda b: b.find_elements(By.ID, "jobs"))
    gateway.submit(gateway.file_token, queue_id="b/q", name="ours")
    has(browser, "ours")
    assert "of-a" not in browser.find_element(By.TAG_NAME, "body").text


def test_the_documentation_of_the_api_asks_with_the_session(
    gateway: Gateway, browser: Chrome
) -> None:
    browser.get(gateway.url + link(gateway, gateway.file_token))
    browser.get(f"{gateway.url}/docs#/status")
    block = "div.opblock-get:has([data-path='/api/v1/whoami'])"
    for name in ("opblock-summary-control", "try-out__btn", "execute"):
        button = f"{block} button.{name}"
        found = wait(browser, lambda b, button=button: b.find_elements(By.CSS_SELECTOR, button))
        browser.execute_script("arguments[0].click()", found[0])  # wherever the layout has it
    answer = "table.live-responses-table td.response-col_status"
    wait(browser, lambda b: "200" in [e.text[:3] for e in b.find_elements(By.CSS_SELECTOR, answer)])
    assert complaints(browser) == []


def test_a_session_that_ends_shows_how_to_get_in_again(gateway: Gateway, browser: Chrome) -> None:
    browser.get(gateway.url + link(gateway, gateway.file_token))
    wait(browser, lambda b: b.find_elements(By.ID, "jobs"))
    browser.execute_script("return fetch('/logout', {method: 'POST'})")
    has(browser, "evenflow open")  # the page saw by itself that its news have ended
