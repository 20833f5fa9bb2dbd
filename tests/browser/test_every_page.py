"""What holds for every page: nobody is kept out, nothing runs or is fetched, and no address or title names a person."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from looking import LAPTOP, PHONE, ZOOMED, Eyes
from playwright.sync_api import Browser
from stage import CLINIC, CRISIS, PEOPLE, SILENT, STRANGER, TELLER, Scene


class Shown(NamedTuple):
    """A page, and as whom it is looked at; None for nobody."""

    partner: str | None
    path: Callable[[Scene], str]


PAGES = {
    "sign-in": Shown(None, lambda _: "/demo/sign-in"),
    "worklist of who hands over": Shown(CRISIS, lambda _: "/"),
    "worklist of who takes over": Shown(CLINIC, lambda _: "/"),
    "worklist without anything": Shown(STRANGER, lambda _: "/"),
    "deliveries to others": Shown(TELLER, lambda _: "/deliveries"),
    "deliveries to us": Shown(SILENT, lambda _: "/deliveries"),
    "governance": Shown(CRISIS, lambda _: "/governance?by=recipient"),
    "overdue handoff": Shown(CLINIC, lambda scene: f"/handoffs/{scene.overdue}"),
    "handoff after the ladder": Shown(CRISIS, lambda scene: f"/handoffs/{scene.contact_failed}"),
    "restricted handoff": Shown(CLINIC, lambda scene: f"/handoffs/{scene.restricted}"),
    "handoff of a long name": Shown(CRISIS, lambda scene: f"/handoffs/{scene.long}"),
    "evidence after the ladder": Shown(CLINIC, lambda scene: f"/handoffs/{scene.contact_failed}/evidence"),
    "no such handoff": Shown(CRISIS, lambda _: "/handoffs/nothing"),
    "a question that cannot be answered": Shown(CRISIS, lambda _: "/governance?from=yesterday"),
}


@pytest.fixture(params=PAGES.values(), ids=PAGES)
def page(request: pytest.FixtureRequest, eyes: Eyes, scene: Scene) -> Eyes:
    shown: Shown = request.param
    if shown.partner:
        eyes.sign_in(shown.partner)
    eyes.open(shown.path(scene))
    return eyes


def test_nobody_is_kept_out_and_nothing_hides_beside_the_window(page: Eyes) -> None:
    assert page.barriers() == []
    page.page.emulate_media(color_scheme="dark")
    page.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.barriers() == []
    for window in (LAPTOP, ZOOMED, PHONE):
        page.page.set_viewport_size(window)  # type: ignore[arg-type]
        assert page.sideways() <= 0, window
    assert_is_nowhere_outside(page)
    assert_says_the_zone(page)


def assert_is_nowhere_outside(page: Eyes) -> None:
    """Addresses and titles stay in histories, logs and the tabs of a shared screen."""
    addresses = [link.get_attribute("href") for link in page.page.get_by_role("link").all()]
    for name in PEOPLE:
        assert not [text for text in (page.page.title(), page.page.url, *addresses) if name in str(text)]


def assert_says_the_zone(page: Eyes) -> None:
    """Of every time; a day alone has none."""
    for time in page.page.locator("time").all_inner_texts():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)? [A-Z]{3,4})?", time), time
    assert not re.search(r"\d\d:\d\d(?!(:\d\d)? [A-Z]{3})", page.page.inner_text("main"))


def test_whatever_somebody_puts_into_a_page_runs_and_fetches_nothing(browser: Browser, scene: Scene) -> None:
    """https://www.w3.org/TR/CSP3/, as a browser takes it."""
    style = "Applying inline style violates"
    put_in = {
        "document.body.setAttribute('style', 'color: red')": style,
        "document.head.appendChild(document.createElement('style')).textContent = 'p { color: red }'": style,
        "document.body.innerHTML = '<p>'": "requires 'TrustedHTML' assignment",
        "document.body.append(Object.assign(new Image(), {src: '/x.png'}))": "Loading the image",
        "fetch('/deliveries').catch(() => 0)": "Connecting to",
    }
    with Eyes.opened(browser, scene.address) as eyes:
        eyes.sign_in(CRISIS)
        for something, told in put_in.items():
            assert eyes.complaints == []
            with eyes.page.expect_console_message(lambda message, told=told: told in message.text):
                eyes.page.evaluate(f"() => {{ try {{ {something} }} catch {{}} }}")
            eyes.complaints.clear()
