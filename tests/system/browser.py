"""A real Chromium, without a window, and what a page does in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.waiting import WAIT_SECONDS

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

ARTEFACTS = Path(__file__).parents[2] / "artefacts"
"""Screenshots, for a person to look at. Not in the repository."""


expect.set_options(timeout=WAIT_SECONDS * 1000)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page, and all that it says and asks for. A policy's violation is said on the console."""

    def __init__(
        self,
        browser: Browser,
        appearance: Literal["light", "dark"] = "light",
        size: tuple[int, int] = (1280, 900),
    ) -> None:
        width, height = size
        self.context = browser.new_context(
            color_scheme=appearance, viewport={"width": width, "height": height}
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT_SECONDS * 1000)
        self.said: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        if not message.text.startswith("[DOM] "):  # Chromium's hints on forms, not on errors
            self.said.append(message.text)

    def _note(self, request: Any) -> None:
        if not request.url.startswith("data:"):
            self.hosts.add(urlsplit(request.url).netloc)

    def picture(self, name: str, what: Page | Locator | None = None) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        (what or self.page).screenshot(path=ARTEFACTS / f"{name}.png")
