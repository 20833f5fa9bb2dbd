"""Looking at pages with the Chromium that `make test` unpacks: what is shown, and what the browser complains of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, sync_playwright

HERE = Path(__file__).parent
UNPACKED = HERE / "node_modules" / ".browser"
INSTALL = "run `make tests/browser/node_modules/.installed` once, which `make test` does"

LAPTOP = {"width": 1366, "height": 768}
ZOOMED = {"width": 683, "height": 384}
"""What is left of a laptop's window at 200 % zoom (WCAG 2.2, 1.4.4)."""
PHONE = {"width": 320, "height": 640}
"""The least that a page has to do with (WCAG 2.2, 1.4.10)."""


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """With the libraries and fonts that came with it: nothing has to be there, and text is as wide everywhere.

    `CHROMIUM` names another one, for machines that those of npm do not run on."""
    other = os.environ.get("CHROMIUM")
    if not (other or (UNPACKED / "chromium").exists()):
        pytest.fail(f"no browser: {INSTALL}")
    came_with_it = {"LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib"), "FONTCONFIG_PATH": str(UNPACKED / "fonts")}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=other or UNPACKED / "chromium",
            env={**os.environ, **({} if other else came_with_it)},
            # It shows our own pages only, and root, as in a container, may have no sandbox.
            chromium_sandbox=False,
            args=["--no-zygote"],
        )
        yield browser
        browser.close()


@cache
def _axe() -> str:
    return (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


class Eyes:
    """One visitor with a browser profile of its own."""

    def __init__(self, page: Page, address: str):
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        """What a developer would see in red, and every request that went elsewhere."""
        page.on("console", self._noted)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._watched)
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url} {request.failure}"))

    @classmethod
    @contextmanager
    def opened(cls, browser: Browser, address: str, **context: Any) -> Iterator[Eyes]:
        """`context` as for Playwright's new_context: viewport, color_scheme, …"""
        profile = browser.new_context(base_url=address, **{"viewport": LAPTOP, **context})
        profile.set_default_timeout(30_000)
        yield cls(profile.new_page(), address)
        profile.close()

    def open(self, path: str) -> Response:
        response = self.page.goto(path)
        assert response is not None
        return response

    def sign_in(self, partner: str, path: str = "/") -> None:
        """By the form of the demo, and on to `path`."""
        self.open(path)
        self.page.get_by_label("Partner").select_option(partner)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(path)

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()
        self.page.wait_for_url("/demo/sign-in")

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    @property
    def heading(self) -> str:
        return said(self.page.get_by_role("heading", level=1))

    def region(self, name: str) -> Locator:
        """The part of the page below the heading that begins with `name`."""
        heading = self.page.get_by_role("heading", level=2).filter(has_text=name)
        return self.page.locator("section").filter(has=heading)

    def rows(self, name: str) -> list[str]:
        """What each row of the table of a region says."""
        return [said(row) for row in self.region(name).locator("tbody tr").all()]

    def standing(self) -> dict[str, str]:
        """Where a handoff stands, in the order in which it is shown."""
        return {said(pair.locator("dt")): said(pair.locator("dd")) for pair in self.page.locator("dl > div").all()}

    def barriers(self) -> list[str]:
        """What axe finds that keeps people out, by WCAG 2.2 A, AA and the contrast of AAA, and by best practice.
        What it cannot decide counts as well. https://dequeuniversity.com/rules/axe"""
        # By way of the debugger and not of a <script>, which the policy of the pages would not let run.
        self.page.evaluate(_axe())
        found = self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations', 'incomplete'],"
            " rules: {'color-contrast-enhanced': {enabled: true}, 'target-size': {enabled: true}}})"
        )
        rules = [*found["violations"], *found["incomplete"]]
        return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in rules for node in rule["nodes"]]

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def _noted(self, message: ConsoleMessage) -> None:
        # That a page is answered with 404 is no fault of the page.
        is_answer = message.text.startswith("Failed to load resource") and "status of 4" in message.text
        if message.type in {"error", "warning"} and not is_answer:
            self.complaints.append(f"{message.type}: {message.text}")

    def _watched(self, request: Request) -> None:
        if not request.url.startswith(f"{self.address}/"):
            self.complaints.append(f"request to elsewhere: {request.url}")


def said(element: Locator) -> str:
    """The text of an element as it is seen."""
    return " ".join(element.inner_text().split())
