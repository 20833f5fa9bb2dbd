"""What a shift lead, an intake coordinator and a quality leader see, each after signing in as a person does."""

from __future__ import annotations

import re
import time

import pytest
from looking import Eyes, said
from playwright.sync_api import Browser
from stage import CLINIC, CRISIS, HOSTILE, LONG, RIGHT_TO_LEFT, SILENT, STRANGER, TELLER, Scene

from adapter.api.access_token import AccessTokens
from adapter.config import signing_secret
from adapter.domain.disclosure import NOTICE
from adapter.domain.scopes import Scopes


class TestTheWorklist:
    def test_what_is_overdue_stands_first_and_says_so_without_colour(self, eyes: Eyes) -> None:
        eyes.sign_in(CRISIS)
        eyes.page.emulate_media(forced_colors="active")
        heading = said(eyes.page.get_by_role("heading", name="Waiting for others"))
        overdue = int(str(re.search(r", (\d+) overdue\)", heading)[1]))  # type: ignore[index]
        rows = eyes.rows("Waiting for others")
        assert overdue >= 3
        assert [n for n, row in enumerate(rows) if "overdue by" in row] == [*range(overdue)]
        assert all(re.search(r"overdue by \d+ (day|hour|minute)", row) for row in rows[:overdue])
        edges = "rows => rows.map(row => parseFloat(getComputedStyle(row.cells[0]).borderLeftWidth))"
        widths = eyes.region("Waiting for others").locator("tbody tr").evaluate_all(edges)
        assert min(widths[:overdue]) > 4 and set(widths[overdue:]) == {0}

    def test_an_escalation_that_nobody_took_over_stands_before_what_has_time(self, eyes: Eyes) -> None:
        eyes.sign_in(CRISIS)
        rows = eyes.rows("Waiting for others")
        escalations = [n for n, row in enumerate(rows) if "escalation requested" in row]
        assert escalations and max(escalations) < min(n for n, row in enumerate(rows) if "due in" in row)

    def test_each_row_leads_to_its_handoff(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(CLINIC)
        eyes.region("Waiting for us").get_by_role("link", name="Rowan Freshly").click()
        eyes.page.wait_for_url(f"/handoffs/{scene.fresh}")
        assert eyes.heading == "Rowan Freshly: handoff from Harbor Mobile Crisis Team to Riverside Outpatient Clinic"

    def test_who_has_nothing_to_do_is_told_so(self, eyes: Eyes) -> None:
        eyes.sign_in(STRANGER)
        assert "Nothing waits for us." in said(eyes.region("Waiting for us"))
        assert eyes.page.get_by_role("table").count() == 0

    def test_on_a_telephone_a_row_is_a_card_that_says_what_each_thing_is(self, browser: Browser, scene: Scene) -> None:
        with Eyes.opened(browser, scene.address, viewport={"width": 375, "height": 700}) as eyes:
            eyes.sign_in(CRISIS)
            card = eyes.region("Waiting for others").get_by_role("row").nth(1)
            boxes = [cell.bounding_box() for cell in card.get_by_role("cell").all() if cell.is_visible()]
            assert len({box["x"] for box in boxes if box}) == 1 and len(boxes) >= 5
            labels = "cell => getComputedStyle(cell, '::before').content"
            assert "Next action" in card.get_by_role("cell").nth(1).evaluate(labels)


class TestAHandoff:
    def test_who_holds_the_person_what_is_next_and_by_when_come_first(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(CLINIC, f"/handoffs/{scene.contact_failed}")
        standing = eyes.standing()
        assert [*standing][:4] == ["Holds the person now", "Next action", "Due", "Time left"]
        assert standing["Holds the person now"] == "Riverside Outpatient Clinic"
        assert standing["Next action"] == "Riverside Outpatient Clinic: Make the first contact with the person."
        assert standing["Time left"].startswith("overdue by 3 days")
        sizes = "facts => facts.map(fact => parseFloat(getComputedStyle(fact).fontSize))"
        large, small = (eyes.page.locator(f"dl.{size} dd").evaluate_all(sizes) for size in ("large", "small"))
        assert min(large) > max(small)
        window = eyes.page.viewport_size
        box = eyes.page.locator("dl.large").bounding_box()
        assert window and box and box["y"] + box["height"] < window["height"], "not without scrolling"

    def test_the_timeline_tells_how_nobody_answered(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(CRISIS, f"/handoffs/{scene.contact_failed}")
        kinds = [str(re.search(r"\(([a-z:-]+)\)", row)[1]) for row in eyes.rows("Timeline")]  # type: ignore[index]
        ladder = ["contact:failed", "ladder:alternate-told", "ladder:escalated", "ladder:flagged-for-review"]
        assert [kind for kind in kinds if kind in {*ladder, "handoff:accepted"}] == [*ladder, "handoff:accepted"]
        assert any("late: 31 minutes" in row for row in eyes.rows("Timeline"))
        eyes.page.get_by_role("link", name="escalation, accepted").click()
        eyes.page.wait_for_url(lambda url: scene.contact_failed not in url)
        assert "This is an escalation" in said(eyes.page.locator("main"))
        eyes.page.get_by_role("link", name="in the handoff that nobody answered").click()
        eyes.page.wait_for_url(f"/handoffs/{scene.contact_failed}")

    @pytest.mark.parametrize(
        ("kind", "status", "holds", "told"),
        [
            ("completed", "completed", "Riverside Outpatient Clinic", "The first contact took place"),
            ("overdue", "requested", "Harbor Mobile Crisis Team", "The acceptance deadline passed without acceptance"),
            ("no_show", "accepted", "Riverside Outpatient Clinic", "The person did not come to the first appointment"),
        ],
    )
    def test_of_every_kind_tells_where_it_stands(
        self, eyes: Eyes, scene: Scene, kind: str, status: str, holds: str, told: str
    ) -> None:
        eyes.sign_in(CRISIS, f"/handoffs/{getattr(scene, kind)}")
        standing = eyes.standing()
        assert (standing["Status"], standing["Holds the person now"]) == (status, holds)
        assert any(told in row for row in eyes.rows("Timeline"))

    def test_that_was_refused_is_back_with_who_sent_it_and_gone_for_who_refused(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(CRISIS)
        eyes.region("Given back to us").get_by_role("link", name="Idris Mockford").click()
        eyes.page.wait_for_url("/handoffs/*")
        assert eyes.standing()["Holds the person now"] == "Harbor Mobile Crisis Team"
        refused = eyes.path
        eyes.sign_out()
        eyes.sign_in(CLINIC)
        assert eyes.open(refused).status == 404

    def test_that_is_restricted_says_so_before_anything_else(self, eyes: Eyes, scene: Scene) -> None:
        for path in (f"/handoffs/{scene.restricted}", f"/handoffs/{scene.restricted}/evidence"):
            eyes.sign_in(CLINIC, path) if path.endswith(scene.restricted) else eyes.open(path)
            note = eyes.page.get_by_role("note")
            assert said(note) == NOTICE
            first, then = note.bounding_box(), eyes.page.locator("dl.large").bounding_box()
            assert first and then and first["y"] < then["y"]

    @pytest.mark.parametrize("page", ["", "/evidence"])
    def test_of_others_is_shown_as_one_that_does_not_exist(self, eyes: Eyes, scene: Scene, page: str) -> None:
        eyes.sign_in(STRANGER)
        shown = []
        for id_ in (scene.completed, "nothing"):
            assert eyes.open(f"/handoffs/{id_}{page}").status == 404
            shown.append(eyes.page.content())
        assert shown[0] == shown[1]
        assert eyes.heading == "There is no such handoff for you"
        eyes.page.get_by_role("link", name="To the worklist").click()
        eyes.page.wait_for_url("/")
        assert eyes.heading == "Worklist"

    @pytest.mark.parametrize(
        ("kind", "name"),
        [("hostile", HOSTILE), ("right_to_left", RIGHT_TO_LEFT), ("long", LONG)],
        ids=("hostile", "right-to-left", "long"),
    )
    def test_of_whatever_name_shows_the_name_as_text(self, eyes: Eyes, scene: Scene, kind: str, name: str) -> None:
        eyes.sign_in(CRISIS, f"/handoffs/{getattr(scene, kind)}")
        assert eyes.heading == f"{name}: handoff from Harbor Mobile Crisis Team to Riverside Outpatient Clinic"
        assert eyes.page.locator("main script, main img").count() == 0
        assert "broken" not in eyes.page.title()
        # What follows a name from right to left stays on its right.
        name_box, heading = eyes.page.locator("h1 bdi").bounding_box(), eyes.page.locator("h1").bounding_box()
        assert name_box and heading and abs(name_box["x"] - heading["x"]) < 1


class TestEvidence:
    def test_what_is_proven_is_summed_up_and_each_section_is_one_click_away(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(CRISIS, f"/handoffs/{scene.contact_failed}")
        eyes.page.get_by_role("link", name="What proves this handoff").click()
        eyes.page.wait_for_url("**/evidence")
        assert "What must be provable: 2 met, 1 not yet." in said(eyes.page.locator("main"))
        contents = eyes.page.get_by_role("navigation", name="On this page").get_by_role("link")
        assert contents.count() == eyes.page.get_by_role("heading", level=2).count() == 10
        contents.filter(has_text="Delivery receipts").click()
        box = eyes.region("Delivery receipts").bounding_box()
        assert box and abs(box["y"]) < 50

    def test_on_paper_it_has_everything_but_what_can_be_pressed(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(CLINIC, f"/handoffs/{scene.contact_failed}/evidence")
        facts, sections = eyes.page.locator("td, dd").count(), eyes.page.locator("section").count()
        eyes.page.emulate_media(media="print", color_scheme="dark")
        eyes.page.set_viewport_size({"width": 700, "height": 1000})  # A4 within its margins
        assert not eyes.page.locator("header, .contents, .skip, .unprinted").filter(visible=True).all()
        assert eyes.page.locator("section").filter(visible=True).count() == sections
        hidden = "cells => cells.filter(cell => cell.textContent.trim() && !cell.checkVisibility()).length"
        assert eyes.page.locator("td, dd").evaluate_all(hidden) == 0 and facts > 100
        assert eyes.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert eyes.sideways() <= 0
        for paper in ("A4", "Letter"):
            pdf = eyes.page.pdf(format=paper)
            assert 3 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 7

    def test_times_have_seconds_and_a_zone(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(CLINIC, f"/handoffs/{scene.contact_failed}/evidence")
        for time_ in eyes.page.locator("time").all_inner_texts():
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d E[SD]T", time_), time_


class TestDeliveriesAndGovernance:
    def test_who_was_not_told_yet_and_what_was_given_up(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(TELLER)
        eyes.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Deliveries").click()
        eyes.page.wait_for_url("/deliveries")
        rows = eyes.rows("What others have not been told")
        assert len(rows) == 3 and all("Riverside Case Management" in row for row in rows)
        assert ["given up until somebody retries" in row for row in rows].count(True) == 1
        eyes.region("What others").get_by_role("row").filter(has_text=scene.untold).get_by_role("link").click()
        eyes.page.wait_for_url(f"/handoffs/{scene.untold}")

    def test_who_was_not_told_sees_what_its_own_endpoint_answered(self, eyes: Eyes) -> None:
        eyes.sign_in(SILENT, "/deliveries")
        assert "What the last attempt met" in said(eyes.region("What we have not been told"))

    def test_measures_are_split_by_what_is_chosen_and_small_numbers_stay_hidden(self, eyes: Eyes) -> None:
        eyes.sign_in(CRISIS, "/governance")
        assert len(eyes.rows("Acceptance rate")) == 1
        eyes.page.get_by_label("split by").select_option("recipient")
        eyes.page.get_by_role("button", name="Show").click()
        eyes.page.wait_for_url("/governance?*by=recipient")
        rows = eyes.rows("Acceptance rate")
        assert len(rows) >= 3 and any("withheld" in row for row in rows)
        assert not re.search(r"\([1-4] of ", said(eyes.page.locator("main")))
        flagged = eyes.region("Flagged for review").get_by_role("link")
        assert flagged.count() >= 2
        flagged.first.click()
        eyes.page.wait_for_url("/handoffs/*")
        assert eyes.standing()["Governance"] == "flagged for review"

    def test_a_day_that_is_none_is_explained(self, eyes: Eyes) -> None:
        eyes.sign_in(CRISIS)
        eyes.open("/governance?from=yesterday")
        assert "expected `from` as a day such as 2026-03-31" in said(eyes.page.locator("main"))


class TestComingAndGoing:
    def test_after_signing_out_nothing_is_to_be_seen_by_going_back(self, eyes: Eyes, scene: Scene) -> None:
        eyes.sign_in(CRISIS, f"/handoffs/{scene.completed}")
        assert "Samplewood" in eyes.heading
        eyes.sign_out()
        eyes.page.go_back()
        assert eyes.path == "/demo/sign-in" and "Samplewood" not in eyes.page.content()

    def test_a_session_that_is_over_asks_to_sign_in_and_comes_back(self, eyes: Eyes, scene: Scene) -> None:
        settings = scene.house.house.settings
        tokens = AccessTokens(signing_secret(settings), settings.fhir_url)
        old = tokens.issue(CRISIS, Scopes.parse("system/*.rs"), int(time.time()) - 7200, 3600)
        eyes.page.context.add_cookies([{"name": "handoff-demo", "value": old, "url": scene.address}])
        eyes.sign_in(CRISIS, f"/handoffs/{scene.completed}/evidence")
        assert "evidence of the handoff" in eyes.heading
        cookie = eyes.page.context.cookies()[0]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["expires"] > time.time()


class TestWithAKeyboard:
    def test_somebody_signs_in_and_finds_a_handoff(self, eyes: Eyes, scene: Scene) -> None:
        eyes.open("/")
        keys = eyes.page.keyboard
        for key in ("Tab", "Tab"):  # past the way to the content
            keys.press(key)
        keys.type("Riverside Outpatient")
        for key in ("Tab", "Enter"):
            keys.press(key)
        eyes.page.wait_for_url("/")
        keys.press("Tab")
        skip = eyes.page.get_by_role("link", name="Skip to the content")
        box = skip.bounding_box()
        assert box and box["x"] >= 0 and said(eyes.page.locator(":focus")) == "Skip to the content"
        keys.press("Enter")
        keys.press("Tab")
        first = eyes.page.locator("main a").first
        assert said(eyes.page.locator(":focus")) == said(first)
        keys.press("Enter")
        eyes.page.wait_for_url("/handoffs/*")
        assert eyes.heading.startswith(("Rowan", "Noor", "Idris"))

    @pytest.mark.parametrize("path", ["/", "/governance", "/handoffs/{}/evidence"])
    def test_every_stop_is_seen_and_comes_in_the_order_of_reading(self, eyes: Eyes, scene: Scene, path: str) -> None:
        eyes.sign_in(CRISIS, path.format(scene.contact_failed))
        stops = eyes.page.locator("a, button, input:not([type=hidden]), select").count()
        seen: list[tuple[float, float]] = []
        where = """() => {
            const stop = document.activeElement, box = stop.getBoundingClientRect(), style = getComputedStyle(stop)
            return [box.y + scrollY, box.x, box.width * box.height, style.outlineStyle, parseFloat(style.outlineWidth)]
        }"""
        for _ in range(stops):
            eyes.page.keyboard.press("Tab")
            y, x, area, outline, width = eyes.page.evaluate(where)
            assert area > 0 and (outline, width) != ("none", 0) and width >= 2
            if not seen or (y, x) != seen[-1]:  # a date has three stops
                seen.append((y, x))
        lines = [round(y / 24) for y, _ in seen]
        assert lines[1:] == sorted(lines[1:]) and len(seen) >= 8
