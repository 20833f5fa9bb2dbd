"""The web pages: readable by everybody, showing to each organisation what it may read, running nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from played_house import PlayedHouse
from pydantic import SecretStr
from sqlalchemy import text
from web_page import WebPage
from whole_house import RECEIVER, SENDER, THIRD, Caller, Got, referral, whole_house

from adapter.api.access_token import AccessTokens
from adapter.app import create_app
from adapter.domain.handoff import Handoff, NextAction
from adapter.domain.scopes import Scopes
from adapter.use_cases.check_deadlines import check_deadlines
from adapter.worklist.groups import LINES, grouped

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
STYLE = Path(__file__).parents[2] / "adapter" / "worklist" / "templates" / "pages.css"


def look(caller: Caller, path: str, status: int = 200) -> WebPage:
    got = caller.get(path, Accept=BROWSER)
    assert got.status == status, got.raw[:500]
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    return WebPage(got.raw.decode())


def signed_in(house: PlayedHouse, partner: str, next_: str = "/") -> Any:
    browser = house.app.test_client()
    answer = browser.post("/demo/sign-in", data={"partner": partner, "next": next_})
    assert answer.status_code == 303, answer.data
    return browser


PAGES: list[Callable[[str], str]] = [
    lambda _: "/deliveries",
    lambda _: "/",
    lambda _: "/governance",
    lambda id_: f"/handoffs/{id_}",
    lambda id_: f"/handoffs/{id_}/evidence",
    lambda _: "/handoffs/nothing/evidence",
    lambda _: "/demo/sign-in",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_well_formed_accessible_and_runs_nothing(
    house: PlayedHouse, completed: str, page: Callable[[str], str]
) -> None:
    house.begin()
    got = house.caller(SENDER).get(page(completed), Accept=BROWSER)
    assert WebPage(got.raw.decode()).faults() == []
    policy = got.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["X-Content-Type-Options"] == "nosniff"


def test_every_address_in_a_page_leads_somewhere(house: PlayedHouse, completed: str) -> None:
    browser = signed_in(house, SENDER)
    for page in PAGES:
        for link in WebPage(browser.get(page(completed), headers={"Accept": BROWSER}).text).all("a", "link"):
            address = link.attributes["href"]
            if not address.startswith("#"):
                assert browser.get(address, headers={"Accept": BROWSER}).status_code == 200, address


def test_the_worklist_says_who_has_to_do_what_by_when(house: PlayedHouse) -> None:
    begun = house.begin()
    ours = look(house.caller(RECEIVER), "/").table("Waiting for us")
    line = next(row for row in ours if row[0] == "Rowan Testerly")
    assert re.fullmatch(r"due in \d+ days( \d+ hours?)? \d{4}-\d\d-\d\d \d\d:\d\d E[SD]T", line[1]), line[1]
    assert line[2:] == [
        "Accept or reject the request",
        "Harbor Mobile Crisis Team",
        "Harbor Mobile Crisis Team",
        "us",
        "requested (awaiting-acceptance)",
    ]
    theirs = look(house.caller(SENDER), "/")
    line = next(row for row in theirs.table("Waiting for others") if row[0] == "Rowan Testerly")
    assert line[2:4] == ["Riverside Outpatient Clinic: Accept or reject the request", "us"]
    assert f"/handoffs/{begun.id}" in [link.attributes["href"] for link in theirs.all("a")]


def test_the_worklist_shows_nothing_of_others(house: PlayedHouse) -> None:
    house.begin()
    page = look(house.caller(THIRD), "/")
    assert "Testerly" not in page.said
    assert page.table("Waiting for us") == page.table("Waiting for others") == []


def test_what_was_given_back_stays_on_the_list_of_whoever_holds_the_person(house: PlayedHouse) -> None:
    sender, recipient = "maternity-hospital", "perinatal-clinic"
    begun = house.begin(owner=recipient, sender=sender)
    assert house.caller(recipient).move(begun.task, "rejected", reason="no capacity").status == 200
    assert [row[6] for row in look(house.caller(sender), "/").table("Given back to us")] == ["rejected"]
    assert look(house.caller(recipient), "/").table("Given back to us") == []
    look(house.caller(recipient), f"/handoffs/{begun.id}/evidence", 404)


def test_what_is_overdue_says_so_and_by_how_much(postgres: Any, tmp_path: Path) -> None:
    with whole_house(postgres.postgres.url(postgres.clone()), tmp_path) as house:
        begun = house.begin()
        house.begin(owner=THIRD)
        house.house.clock.advance(timedelta(days=20))  # type: ignore[union-attr]
        page = look(house.caller(RECEIVER), "/")
        assert re.search(r"overdue by 1\d days", page.table("Waiting for us")[0][1])
        assert "Waiting for us (1, 1 overdue)" in [heading.said for heading in page.all("h2")]

        while check_deadlines(house.house.world):
            pass
        ledger = house.house.store.system_reader().ledger_of(begun.id)
        owner = next(str(event.detail["owner"]) for event in ledger if event.kind == "ladder:escalated")
        waiting = look(house.caller(owner), "/").table("Waiting for us")
        assert any(row[0] == "Rowan Testerly" and row[6].startswith("escalation") for row in waiting)


def test_a_draft_is_on_the_list_of_its_author_alone(house: PlayedHouse) -> None:
    sender, recipient = "iop-program", "case-management"
    sent = house.caller(sender).post("", referral(sender, recipient, status="draft"))
    assert sent.status == 200
    assert len(look(house.caller(sender), "/").table("Waiting for us")) == 1
    assert look(house.caller(recipient), "/").table("Waiting for us") == []


def test_one_address_answers_browsers_with_a_page_and_programs_with_json(house: PlayedHouse, completed: str) -> None:
    caller = house.caller(SENDER)
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.5", ""):
        got = caller.get(f"/handoffs/{completed}", Accept=accept)
        assert got.tree["status"] == "completed", accept
        assert "Accept" in got.headers["Vary"]
    page = look(caller, f"/handoffs/{completed}")
    assert page.table("Timeline")[0][1].endswith("(handoff:requested)")
    standing = {pair.all("dt")[0].said: pair.all("dd")[0].said for dl in page.all("dl") for pair in dl.all("div")}
    assert (standing["Status"], standing["Holds the person now"]) == ("completed", "Riverside Outpatient Clinic")


def test_the_evidence_page_shows_every_verdict(house: PlayedHouse, completed: str) -> None:
    page = look(house.caller(RECEIVER), f"/handoffs/{completed}/evidence")
    verdicts = {row[3]: row[1:3] for row in page.table("What must be provable")}
    assert verdicts["provider-to-provider-contact"] == ["met", ""]
    verdict, lacking = verdicts["outreach-on-the-same-day"]
    assert (verdict, "got planned" in lacking) == ("not met", True)
    assert {row[2] for row in page.table("What each step needed")} == {"met"}
    assert "PHONE (live)" in [row[1] for row in page.table("Contact attempts")]


@pytest.mark.parametrize("path", ["/handoffs/{}", "/handoffs/{}/evidence"])
def test_a_handoff_of_others_is_shown_as_one_that_is_not_there(house: PlayedHouse, completed: str, path: str) -> None:
    pages = [house.caller(THIRD).get(path.format(id_), Accept=BROWSER) for id_ in (completed, "nothing")]
    assert [page.status for page in pages] == [404, 404]
    assert pages[0].raw == pages[1].raw


def test_markup_in_what_a_partner_sent_is_text(house: PlayedHouse) -> None:
    sender, recipient = "crisis-stabilization", "outpatient-clinic"
    bundle = referral(sender, recipient)
    bundle["entry"][0]["resource"]["name"] = [{"text": "<script>alert(1)</script>\" onload='x'"}]
    sent = house.caller(sender).post("", bundle)
    task = sent.located[2].removeprefix("Task/")
    for path in ("/", f"/handoffs/{task}", f"/handoffs/{task}/evidence"):
        page = look(house.caller(sender), path)
        assert page.faults() == [] and "<script>alert(1)</script>" in page.said


def test_without_a_token_nothing_is_shown(house: PlayedHouse, completed: str) -> None:
    for page in PAGES[:5]:
        got: Got = house.nobody.get(page(completed), Accept=BROWSER)
        assert got.status == 303
        assert got.headers["Location"] == f"/demo/sign-in?next={page(completed)}"
    bad = house.app.test_client().get("/", headers={"Authorization": "Bearer nonsense"})
    assert bad.status_code == 401 and "Testerly" not in bad.text


def test_a_token_that_may_not_read_patients_sees_no_page(house: PlayedHouse, completed: str) -> None:
    for page in PAGES[1:5]:
        assert house.caller(SENDER, "system/Task.rs").get(page(completed), Accept=BROWSER).status == 403


class TestDemoSignIn:
    def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(self, house: PlayedHouse) -> None:
        answer = house.app.test_client().post("/demo/sign-in", data={"partner": SENDER})
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie

    def test_it_opens_the_pages_of_that_partner(self, house: PlayedHouse, completed: str) -> None:
        browser = signed_in(house, RECEIVER, f"/handoffs/{completed}/evidence")
        assert browser.get(f"/handoffs/{completed}/evidence").status_code == 200
        other = signed_in(house, THIRD)
        assert other.get(f"/handoffs/{completed}/evidence").status_code == 404
        assert browser.post("/demo/sign-out").status_code == 303
        assert browser.get("/").status_code == 303

    def test_it_opens_pages_only_and_writes_nothing(self, house: PlayedHouse, completed: str) -> None:
        browser = signed_in(house, SENDER)
        assert browser.get(f"/fhir/Task/{completed}").status_code == 401
        token = browser.get_cookie("handoff-demo").value
        refused = Caller(house.app, token).post("Basic", {"resourceType": "Basic", "code": {"text": "x"}})
        assert (refused.status, refused.code) == (403, "forbidden")

    def test_a_forged_cookie_opens_nothing(self, house: PlayedHouse) -> None:
        browser = house.app.test_client()
        browser.set_cookie("handoff-demo", "eyJhbGciOiJub25lIn0.e30.")
        assert browser.get("/").status_code == 303

    @pytest.mark.parametrize(
        "next_",
        ["//evil.example", "https://evil.example/", "/\\evil.example", "/handoffs/x\r\nSet-Cookie: a=b", "/fhir"],
    )
    def test_it_leads_nowhere_else(self, house: PlayedHouse, next_: str) -> None:
        answer = house.app.test_client().post("/demo/sign-in", data={"partner": SENDER, "next": next_})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")

    def test_who_is_no_demo_partner_is_refused(self, house: PlayedHouse) -> None:
        answer = house.app.test_client().post("/demo/sign-in", data={"partner": "somebody"})
        assert answer.status_code == 403 and "Set-Cookie" not in answer.headers

    def test_production_has_no_sign_in_and_looks_at_no_cookie(self, house: PlayedHouse) -> None:
        secret = "a secret of production, 32 bytes long"
        settings = house.house.settings.model_copy(update={"mode": "production", "secret": SecretStr(secret)})
        tokens = AccessTokens(secret.encode(), settings.fhir_url)
        token = tokens.issue(SENDER, Scopes.parse("system/*.rs"), int(time.time()), 300)
        app = create_app(replace(house.house, settings=settings))
        assert Caller(app, token).get("/", Accept=BROWSER).status == 200
        browser = app.test_client()
        browser.set_cookie("handoff-demo", token)
        assert browser.get("/").status_code == 401
        assert browser.get("/demo/sign-in").status_code == 404
        assert browser.post("/demo/sign-in", data={"partner": SENDER}).status_code == 404


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_of_text_stands_out_from_the_background() -> None:
    """WCAG 2.2, 1.4.6 (7 to 1) for text; 1.4.11 (3 to 1) for lines."""
    schemes = [dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", scheme)) for scheme in STYLE.read_text().split("dark)")]
    assert len(schemes) == 2
    for scheme in schemes:
        for paper in (scheme["paper"], scheme["late"]):
            for name, least in (("ink", 7), ("faint", 7), ("link", 7), ("bad", 7), ("good", 7), ("line", 3)):
                darker, lighter = sorted((_luminance(scheme[name]), _luminance(paper)))
                assert (lighter + 0.05) / (darker + 0.05) >= least, (name, paper)


def test_an_address_that_nobody_of_us_wrote_leads_to_the_sign_in_page_alone(house: PlayedHouse) -> None:
    answer = house.app.test_client().get("/handoffs/x%0d%0aSet-Cookie:%20a=b/evidence")
    assert (answer.status_code, answer.headers.get("Set-Cookie")) != (200, "a=b")
    assert answer.headers.get("Location", "/demo/sign-in?next=/") == "/demo/sign-in?next=/"


@pytest.mark.parametrize("path", ["/", "/handoffs/{}", "/handoffs/{}/evidence", "Task/{}/$evidence"])
def test_whoever_looks_is_written_down_before_anything_is_shown(house: PlayedHouse, completed: str, path: str) -> None:
    patient = house.house.store.reader(SENDER).handoff(completed).patient  # type: ignore[union-attr]
    if path == "/":  # nothing of a completed handoff is on the list
        patient = house.begin(owner=RECEIVER).patient
    caller = house.caller(RECEIVER)
    before = audited(house, RECEIVER, str(patient))
    assert caller.get(path.format(completed), Accept=f"{BROWSER}, application/fhir+json").status == 200
    assert audited(house, RECEIVER, str(patient)) == before + 1


def audited(house: PlayedHouse, tenant: str, patient: str) -> int:
    """How many readings of what concerns a patient the trail holds for an organisation."""
    with house.house.store.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT count(*) FROM audit_event WHERE tenant = :tenant AND :patient = ANY(patients)"),
            {"tenant": tenant, "patient": patient},
        )
        return int(rows.scalar_one())


def test_a_group_is_shown_page_by_page_and_counts_all_of_it(house: PlayedHouse) -> None:
    sender, recipient = "pediatric-clinic", "hie-router"
    begun = [house.begin(owner=recipient, sender=sender).id for _ in range(LINES + 2)]
    shown = []
    for address, other in (("/", "/?ours=2#ours"), ("/?ours=2", "/#ours")):
        page = look(house.caller(recipient), address)
        assert page.faults() == []
        assert f"Waiting for us ({len(begun)})" in [heading.said for heading in page.all("h2")]
        shown.append([a.attributes["href"].removeprefix("/handoffs/") for a in page.all("a")])
        assert other in shown[-1]
    assert {id_ for page in shown for id_ in page} >= set(begun)
    assert not {*shown[0]} & {*shown[1]} & {*begun}
    assert len(look(house.caller(recipient), "/?ours=9999").table("Waiting for us")) == 2


@pytest.mark.parametrize("page", ["0", "-1", "two", "99999", "²", ""])
def test_what_is_no_page_of_a_group_is_told_so(house: PlayedHouse, page: str) -> None:
    assert "expected the page" in look(house.caller(SENDER), f"/?others={page}", 400).said


def test_what_is_overdue_comes_first_then_escalations_that_nobody_took_over() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)

    def handoff(id_: str, by: datetime | None, **more: Any) -> Handoff:
        action = NextAction("answer", RECEIVER, by)
        return Handoff(id_, "requested", SENDER, RECEIVER, "referral", None, None, now, now, SENDER, action, **more)

    hour = timedelta(hours=1)
    found = [
        handoff("late", now - hour),
        handoff("soon", now + hour),
        handoff("escalation", None, part_of="late"),
        handoff("without a date", None),
    ]
    ours, returned, others = grouped(found, RECEIVER, now, {})
    assert [each.id for each in ours.handoffs] == ["late", "escalation", "soon", "without a date"]
    assert (ours.count, ours.overdue, returned.count, others.count) == (4, 1, 0, 0)
