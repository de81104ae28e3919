"""The page at /docs, in a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.identity_provider import provider
from tests.serving import Served, serving
from tests.system.browser import Watched, chromium

DESCRIPTION = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
OPERATIONS = sum(len(path) for path in DESCRIPTION["paths"].values())
RESPONSES = len(DESCRIPTION["paths"]["/sessions"]["post"]["responses"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


def opened(watched: Watched, address: str) -> Page:
    """The page there, once it is drawn: Chromium drops the keys that are pressed before."""
    watched.page.goto(address)
    expect(watched.page.locator(".opblock")).to_have_count(OPERATIONS)
    drawn = "performance.getEntriesByName('first-contentful-paint').length"
    watched.page.wait_for_function(drawn)
    return watched.page


def authorize(page: Page, token: str) -> None:
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".auth-container")
    dialog.get_by_label("Value").fill(token)
    dialog.get_by_role("button", name="Apply credentials").click()
    page.locator(".modal-ux").get_by_role("button", name="Close").last.click()


def tried(page: Page, operation: str) -> Locator:
    """An operation, opened and ready to be filled in."""
    block = page.locator(f"#operations-sessions-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def executed(block: Locator) -> tuple[int, Any]:
    """What the service answers."""
    block.get_by_role("button", name="Execute").click()
    live = block.locator(".live-responses-table")
    status = live.locator(".response-col_status").last.inner_text()
    body = live.locator(".response-col_description .highlight-code code").first.inner_text()
    return int(status.split()[0]), json.loads(body)


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_it_renders_without_a_word_or_a_request_to_elsewhere(
    browser: Browser, served: Served, appearance: Literal["light", "dark"]
) -> None:
    """In the appearance that the reader's system has; a picture of each is kept."""
    watched = Watched(browser, appearance)
    page = opened(watched, f"{served.url}/docs")
    watched.picture(f"reference-{appearance}")
    block = page.locator("#operations-sessions-createSession")
    block.locator(".opblock-summary-control").click()
    expect(block.locator(".response")).to_have_count(RESPONSES)
    watched.picture(f"reference-{appearance}-operation", block)
    ink = page.locator(".info p").first.evaluate("text => getComputedStyle(text).color")
    brightness = max(int(part) for part in re.findall(r"\d+", ink)[:3])
    assert (brightness > 128) is (appearance == "dark")
    assert watched.said == []
    assert watched.hosts == {served.url.removeprefix("http://")}


def test_a_session_and_its_messages_are_made_and_listed_on_the_page(
    browser: Browser, served: Served
) -> None:
    watched = Watched(browser)
    page = opened(watched, f"{served.url}/docs")
    authorize(page, served.token("carol"))
    status, session = executed(tried(page, "createSession"))
    assert (status, session["title"]) == (201, "Weekend in Lisbon")
    append = tried(page, "appendMessages")
    append.get_by_placeholder("session_id").fill(session["id"])
    status, appended = executed(append)
    assert (status, appended["items"][0]["content"]) == (201, "Where shall we stay?")
    status, listed = executed(tried(page, "listSessions"))
    assert (status, [item["id"] for item in listed["items"]]) == (200, [session["id"]])
    assert watched.said == []
    assert watched.hosts == {served.url.removeprefix("http://")}


def test_it_works_behind_a_proxy_that_takes_a_prefix_off(browser: Browser, served: Served) -> None:
    """The service need not know of it; the page asks for what is beside itself."""
    watched = Watched(browser)
    watched.context.route(
        "**/chat/**", lambda route: route.continue_(url=route.request.url.replace("/chat/", "/"))
    )
    page = opened(watched, f"{served.url}/chat/docs")
    authorize(page, served.token("dave"))
    with page.expect_request("**/chat/sessions*"):
        assert executed(tried(page, "listSessions"))[0] == 200
    assert watched.said == []


def test_the_folder_of_the_page_leads_to_the_page(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    page = opened(watched, f"{served.url}/docs/")
    assert page.url == f"{served.url}/docs"


def test_it_fits_a_phone(browser: Browser, served: Served) -> None:
    """Nothing sticks out to the side, an opened operation's forms neither."""
    watched = Watched(browser, size=(390, 844))
    page = opened(watched, f"{served.url}/docs")
    watched.picture("reference-phone")
    expect(tried(page, "createSession").get_by_role("button", name="Execute")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_keyboard_is_enough(browser: Browser, served: Served) -> None:
    """Tab and Enter open the form for the token, take it, and open an operation."""
    watched = Watched(browser)
    page = opened(watched, f"{served.url}/docs")
    press_at(page, "Authorize")
    expect(page.locator(".auth-container")).to_be_visible()
    expect(page.get_by_label("Value")).to_be_focused()
    page.keyboard.type(served.token("erin"))
    page.keyboard.press("Enter")
    press_at(page, "Close")
    press_at(page, "List sessions")
    press_at(page, "Try it out")
    press_at(page, "Execute")
    live = page.locator(".live-responses-table .response-col_status")
    expect(live.last).to_contain_text("200")


def press_at(page: Page, name: str) -> None:
    """Go on to what bears the name, once it is there, by Tab alone, and press Enter there."""
    expect(page.get_by_role("button", name=name).first).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.innerText ?? ''"):
            page.keyboard.press("Enter")
            return
    pytest.fail(f"Tab does not lead to {name}")


def test_a_description_that_cannot_be_had_is_told(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    watched.context.route("**/openapi.json", lambda route: route.fulfill(status=503))
    watched.page.goto(f"{served.url}/docs")
    expect(watched.page.get_by_text("The description cannot be had: 503")).to_be_visible()


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service with an identity provider to sign in at."""
    folder = tmp_path_factory.mktemp("trusting")
    settings = provider().settings | {
        "CHAT_SESSIONS_OIDC_DOCS_CLIENT_ID": "page-ES256",
        "CHAT_SESSIONS_OIDC_REQUIRE_SCOPES": "true",
    }
    with serving(folder, **settings) as served:
        yield served


def test_authorize_signs_in_at_the_identity_provider(browser: Browser, trusting: Served) -> None:
    """By a code with PKCE, and no host is asked but the service and the provider."""
    watched = Watched(browser)
    page = opened(watched, f"{trusting.url}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container", has_text="with PKCE")
    watched.picture("reference-sign-in")
    with page.expect_popup() as popup:
        form.get_by_role("button", name="Apply given OAuth2 credentials").click()
    window = popup.value
    window.locator("[name=login]").fill("frank")
    window.locator("[name=password]").fill("any")
    window.locator("[type=submit]").click()
    with window.expect_event("close"):
        window.get_by_role("button", name="Continue").click()
    expect(form.get_by_text("Logout")).to_be_visible()
    page.locator(".modal-ux").get_by_role("button", name="Close").last.click()
    status, session = executed(tried(page, "createSession"))
    assert (status, session["user_id"]) == (201, "frank")
    assert watched.said == []
    assert watched.hosts == {urlsplit(url).netloc for url in (trusting.url, provider().url)}


def test_without_the_provider_the_page_takes_a_token_all_the_same(
    browser: Browser, trusting: Served
) -> None:
    watched = Watched(browser)
    watched.context.route(f"{provider().url}/**", lambda route: route.abort())
    page = opened(watched, f"{trusting.url}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    expect(page.locator(".auth-container")).to_have_count(1)
    expect(page.locator(".auth-container").get_by_label("Value")).to_be_visible()
