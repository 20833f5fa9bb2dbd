"""`Measure/{id}/$evaluate-measure` over HTTP: what an organisation is told of its own handoffs, and of no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from whole_house import RECEIVER, SENDER, THIRD, Caller, Got, Tree, WholeHouse, referral

from adapter.domain.errors import TooLarge
from adapter.domain.measures import MEASURES, STRATIFIERS
from adapter.published import definitions
from adapter.use_cases.publish_pathways import publish_pathways
from adapter.use_cases.report_measures import Period, report_measures
from adapter.validation import check

FACT = "https://handoff.example/fhir/CodeSystem/handoff-fact"


def fact(code: str, value: str) -> Tree:
    concept = {"coding": [{"code": value}]}
    return {"type": {"coding": [{"system": FACT, "code": code}]}, "valueCodeableConcept": concept}


def send(house: WholeHouse, owner: str, *facts: tuple[str, str], language: str | None = None) -> str:
    sent = referral(SENDER, owner, **({"input": [fact(*each) for each in facts]} if facts else {}))
    if language:
        sent["entry"][0]["resource"]["communication"] = [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}},
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}, "preferred": True},
        ]
    got = house.caller(SENDER).post("", sent)
    assert got.status == 200, got.tree
    return got.located[2]


@pytest.fixture(scope="module")
def counted(house: WholeHouse) -> WholeHouse:
    """13 handoffs of the sender: 7 to the receiver, of which 6 are accepted, and 6 to another, none of which is."""
    receiver = house.caller(RECEIVER)
    for number in range(7):
        task = send(house, RECEIVER, ("coverage", "medicaid"), ("access-needs", "unstable-housing"), language="es")
        if number < 6:
            assert receiver.move(task, "accepted").status == 200
    for _ in range(6):
        send(house, THIRD)
    return house


def ask(house: WholeHouse, tenant: str, measure: str, query: str = "", **days: int) -> Got:
    today = house.house.clock.now().date()
    start, end = (today + timedelta(days=days.get(name, 0)) for name in ("first", "last"))
    return house.caller(tenant).get(f"Measure/{measure}/$evaluate-measure?periodStart={start}&periodEnd={end}{query}")


def counts(of: Tree) -> dict[str, int | None]:
    return {each["code"]["coding"][0]["code"]: each.get("count") for each in of["population"]}


def strata(report: Tree) -> dict[str, dict[str, int | None]]:
    return {
        (s["value"].get("text") or s["value"]["coding"][0]["code"]): counts(s)
        for stratifier in report["group"][0]["stratifier"]
        for s in stratifier.get("stratum", ())
    }


def test_an_organisation_is_told_of_its_own_handoffs_and_of_no_others(counted: WholeHouse) -> None:
    told = {
        tenant: counts(ask(counted, tenant, "handoff-outcomes").tree["group"][0])["initial-population"]
        for tenant in (SENDER, RECEIVER, THIRD, "case-management")
    }
    assert told == {SENDER: 13, RECEIVER: 7, THIRD: 6, "case-management": 0}


def test_the_report_is_valid_and_names_its_measure_its_reporter_and_its_period(counted: WholeHouse) -> None:
    for measure in MEASURES:
        got = ask(counted, SENDER, measure)
        assert got.status == 200, got.tree
        report = got.tree
        assert [i for i in check(report) if i.severity in {"error", "fatal"}] == []
        assert report["measure"] == f"https://handoff.example/fhir/Measure/{measure}"
        assert (report["type"], report["reporter"]) == ("summary", {"reference": f"Organization/{SENDER}"})
        assert "subject" not in report
        assert report["period"]["end"].endswith("T23:59:59.999Z")
        assert {len(group["stratifier"]) for group in report["group"]} == {len(STRATIFIERS)}


def test_it_is_stratified_by_what_the_resources_of_the_handoffs_say(counted: WholeHouse) -> None:
    for stratifier, named in {
        "coverage": "medicaid", "access-need": "unstable-housing", "language": "es", "recipient": RECEIVER,
    }.items():  # fmt: skip
        report = ask(counted, SENDER, "handoff-outcomes", f"&stratifier={stratifier}").tree
        assert strata(report)[named] == {"initial-population": 7}
        assert sum(each["initial-population"] or 0 for each in strata(report).values()) == 13


def test_what_is_small_stands_there_as_masked_and_never_as_none(counted: WholeHouse) -> None:
    # 6 of the receiver's 7 were accepted: that one was not would be a small number.
    group = ask(counted, RECEIVER, "acceptance-rate", "&stratifier=pathway").tree["group"][0]
    masked = [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]
    assert [each["_count"]["extension"] for each in group["population"]] == [masked] * 5
    assert group["measureScore"] == {"extension": masked}
    assert "'count'" not in str(group)
    shown = ask(counted, SENDER, "acceptance-rate", "&stratifier=pathway").tree["group"][0]
    assert counts(shown)["numerator"] == 6
    assert str(shown["measureScore"]["value"]) == "0.462"


def test_other_days_hold_nothing(counted: WholeHouse) -> None:
    assert counts(ask(counted, SENDER, "handoff-outcomes", first=-3, last=-1).tree["group"][0]) == {
        "initial-population": 0, "late-record": 0,
    }  # fmt: skip


def test_an_escalation_child_is_no_handoff_of_its_own(house: WholeHouse) -> None:
    before = counts(ask(house, "ob-clinic", "handoff-outcomes").tree["group"][0])["initial-population"]
    parent = house.begin(owner=RECEIVER, sender="ob-clinic")
    child = referral("ob-clinic", RECEIVER, partOf=[{"reference": parent.task}])
    assert house.caller("ob-clinic").post("", child).status == 200
    after = counts(ask(house, "ob-clinic", "handoff-outcomes").tree["group"][0])["initial-population"]
    assert (before or 0) + 1 == after


@pytest.mark.parametrize(("path", "status", "code"), [
    ("Measure/unknown/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-01-31", 404, "not-found"),
    ("Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01", 400, "required"),
    ("Measure/completion-rate/$evaluate-measure?periodStart=2026-02-30&periodEnd=2026-03-01", 400, "value"),
    ("Measure/completion-rate/$evaluate-measure?periodStart=2026-02-01&periodEnd=2026-01-01", 400, "value"),
    ("Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-01-31&stratifier=name", 400,
     "code-invalid"),
    ("Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-01-31&reportType=subject", 400,
     "not-supported"),
    ("Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-01-31&subject=Patient/1", 400,
     "not-supported"),
])  # fmt: skip
def test_what_cannot_be_answered_is_refused(
    house: WholeHouse, path: str, status: int, code: str
) -> None:  # fmt: skip
    got = house.caller(SENDER).get(path)
    assert (got.status, got.code) == (status, code), got.tree


def test_who_may_not_search_tasks_learns_nothing_of_them_in_sum(house: WholeHouse) -> None:
    path = "Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-01-31"
    assert house.nobody.get(path).status == 401
    limited: Caller = house.caller(SENDER, "system/Measure.rs")
    assert limited.get(path).status == 403


def test_the_system_counts_every_handoff_once(counted: WholeHouse) -> None:
    now = counted.house.clock.now()
    reader = counted.house.store.system_reader()
    (score,) = report_measures(reader, ["handoff-outcomes"], Period(now.date(), now.date()), (), now)
    assert score.groups[0].total.counts["initial-population"] >= 13


def test_every_partner_reads_and_finds_the_measures(house: WholeHouse) -> None:
    publish_pathways(house.house.store, {}, house.house.clock.now(), definitions("Measure"))
    assert [tree["id"] for tree in definitions("Measure")] == sorted(MEASURES)
    assert house.caller(THIRD).get("Measure/completion-rate").tree["title"] == "Completion rate"
    assert len(house.caller(THIRD).search("Measure?status=active&_count=50")) == len(MEASURES)
    assert publish_pathways(house.house.store, {}, house.house.clock.now(), definitions("Measure")) == 0


def test_a_report_over_too_many_handoffs_is_refused_and_not_cut(counted: WholeHouse) -> None:
    now = counted.house.clock.now()
    period = Period(now.date(), now.date())
    with pytest.raises(TooLarge, match="shorter period"):
        report_measures(counted.house.store.reader(SENDER), ["handoff-outcomes"], period, (), now, most=12)
