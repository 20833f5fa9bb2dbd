"""The pictures of docs/pages.md, as the browser shows the pages; `make pages` takes them again."""

from __future__ import annotations

import os
import re
from pathlib import Path

from looking import Eyes
from playwright.sync_api import Browser
from stage import CLINIC, CRISIS, Scene

DOCS = Path(__file__).parents[2] / "docs"
SMALL = 150_000


if os.environ.get("DRAW_PAGES") == "1":

    class TestPictures:
        def test_the_worklist_of_a_clinic_on_a_laptop(self, eyes: Eyes, scene: Scene) -> None:
            eyes.page.set_viewport_size({"width": 1280, "height": 640})
            eyes.sign_in(CLINIC)
            eyes.page.screenshot(path=DOCS / "pages" / "worklist.png")

        def test_a_handoff_on_a_telephone_at_night(self, browser: Browser, scene: Scene) -> None:
            telephone = {"width": 390, "height": 760}
            with Eyes.opened(browser, scene.address, viewport=telephone, color_scheme="dark") as eyes:
                eyes.sign_in(CRISIS, f"/handoffs/{scene.contact_failed}")
                eyes.page.screenshot(path=DOCS / "pages" / "handoff.png")

        def test_evidence_on_paper(self, eyes: Eyes, scene: Scene) -> None:
            eyes.sign_in(CLINIC, f"/handoffs/{scene.contact_failed}/evidence")
            eyes.page.emulate_media(media="print")
            eyes.page.set_viewport_size({"width": 720, "height": 760})
            eyes.page.screenshot(path=DOCS / "pages" / "evidence.png")


def test_the_documentation_shows_small_pictures_and_names_every_page(scene: Scene) -> None:
    text = (DOCS / "pages.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]{20,}\]\((pages/[a-z]+\.png)\)", text)
    assert {f"pages/{path.name}" for path in (DOCS / "pages").iterdir()} == {*pictures}
    assert all((DOCS / picture).stat().st_size < SMALL for picture in pictures)
    pages = [str(rule) for rule in scene.house.app.url_map.iter_rules() if rule.endpoint.startswith("pages.")]
    assert [page for page in pages if f"`{re.sub('<.*?>', '{id}', page)}`" not in text and page != "/pages.css"] == []
