"""Search beyond the resource itself: chains, _has, iterated includes; what is read out of bodies; every order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from kept import NOW, found, patient, search_query, task, version

from adapter.domain.errors import HandoffError, Invalid
from adapter.storage import PostgresStore, open_store
from adapter.use_cases.ports import ResourceKey, WriteSet

UCUM = "http://unitsofmeasure.org"
KIND = {"coding": [{"system": "urn:kinds", "code": "MR"}], "text": "Medical record"}


def weight(id: str, of: str, value: str, **more: Any) -> dict[str, Any]:
    from decimal import Decimal

    quantity = {"value": Decimal(value), "unit": "kilo", "system": UCUM, "code": "kg"}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"code": "w", "display": "Body Weight"}], "text": "weighed"},
        "subject": {"reference": f"Patient/{of}"},
        "valueQuantity": quantity,
        **more,
    }


TREES: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "top", "name": "Umbrella"},
    {"resourceType": "Organization", "id": "unit", "name": "Crisis unit", "partOf": {"reference": "Organization/top"}},
    patient("p1", managingOrganization={"reference": "Organization/unit"},
            identifier=[{"system": "urn:mrn", "value": "p1", "type": KIND}]),
    patient("p2", name=[{"family": "Abel"}, {"family": "Zorn"}]),
    patient("p3", name=[{"family": "Moor"}]),
    task("t1", code={"coding": [{"code": "fulfill", "display": "Fulfill it"}]}),
    task("t2", status="completed", **{"for": {"reference": "Patient/p2/_history/4"}}),
    {"resourceType": "Provenance", "id": "prov", "target": [{"reference": "Task/t1"}],
     "recorded": "2026-11-21T12:00:00Z", "agent": [{"who": {"reference": "Organization/unit"}}]},
    weight("o1", "p1", "70.50"),
    weight("o2", "p2", "71"),
    weight("o3", "p3", "80", valueQuantity={"value": 176, "unit": "lb"}),
    {"resourceType": "RiskAssessment", "id": "r1", "status": "final", "subject": {"reference": "Patient/p1"},
     "prediction": [{"probabilityRange": {"low": {"value": 10}, "high": {"value": 20}}}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def full(postgres: Any) -> Iterator[PostgresStore]:
    with postgres.fresh_database() as url:
        store = open_store(url)
        store.commit(WriteSet("a", resources=[version(t, at=NOW + timedelta(seconds=n)) for n, t in enumerate(TREES)]))
        yield store
        store.close()


@pytest.mark.parametrize(
    ("type", "query", "expected"),
    [
        # chains, as deep as they go
        ("Task", "patient.organization.name=crisis", "t1"),
        ("Task", "patient.organization.partof.name=umbrella", "t1"),
        ("Task", "patient.organization.partof.name=crisis", ""),
        ("Task", "subject:Patient.organization.name=crisis", "t1"),
        ("Task", "patient.organization.name:exact=Crisis unit", "t1"),
        ("Task", "patient._has:Observation:subject:code=w", "t1 t2"),
        # the other way round
        ("Patient", "_has:Task:patient:status=requested", "p1"),
        ("Patient", "_has:Task:patient:status=completed", "p2"),
        ("Patient", "_has:Task:patient:status=requested,completed", "p1 p2"),
        ("Patient", "_has:Task:patient:status=requested&_has:Observation:subject:code=w", "p1"),
        ("Patient", "_has:Task:patient:_has:Provenance:target:_id=prov", "p1"),
        ("Patient", "_has:Task:patient:patient.family=abel", "p2"),
        ("Organization", "_has:Patient:organization:_has:Task:patient:status=requested", "unit"),
        # identifiers of a kind, texts beside codes
        ("Patient", "identifier:of-type=urn:kinds|MR|p1", "p1"),
        ("Patient", "identifier:of-type=urn:kinds|MR|p2", ""),
        ("Patient", "identifier:of-type=|MR|p1", ""),
        ("Patient", "identifier:text=medical", "p1"),
        ("Observation", "code:text=BODY", "o1 o2 o3"),
        ("Observation", "code:text=weigh", "o1 o2 o3"),
        ("Observation", "code:text=mass", ""),
        ("Task", "code:text=fulfill", "t1"),
        # quantities: the number implies a range, the unit may be left open
        ("Observation", "value-quantity=70.5", "o1"),
        ("Observation", "value-quantity=70.50", "o1"),
        ("Observation", "value-quantity=71", "o1 o2"),
        ("Observation", "value-quantity=71.0", "o2"),
        ("Observation", f"value-quantity=71.0|{UCUM}|kg", "o2"),
        ("Observation", "value-quantity=71.0||kilo", "o2"),
        ("Observation", "value-quantity=71.0||lb", ""),
        ("Observation", "value-quantity=gt71", "o3"),
        ("Observation", f"value-quantity=ge71|{UCUM}|kg", "o2"),
        ("Observation", "value-quantity=lt71", "o1"),
        ("Observation", "value-quantity=le71&value-quantity=ne71.0", "o1"),
        ("Observation", "value-quantity=ap75", "o1 o2"),
        ("Observation", "value-quantity:missing=true", ""),
        ("RiskAssessment", "probability=gt15", "r1"),
        ("RiskAssessment", "probability=gt25", ""),
    ],
)  # fmt: skip
def test_what_lies_beyond_is_found(full: PostgresStore, type: str, query: str, expected: str) -> None:
    assert sorted(found(full, query, type=type)) == expected.split()


@pytest.mark.parametrize(
    "query", ["value-quantity=x", "value-quantity=1|2", "value-quantity=1e999", "probability=1||x"]
)
def test_what_is_no_number_is_refused(full: PostgresStore, query: str) -> None:
    with pytest.raises(Invalid, match="number"):
        found(full, query, type="RiskAssessment" if query.startswith("prob") else "Observation")


@pytest.mark.parametrize(
    ("type", "sort", "expected"),
    [
        ("Patient", "family", "p2 p3 p1"),
        ("Patient", "-family", "p2 p1 p3"),
        ("Task", "status", "t2 t1"),
        ("Task", "-status", "t1 t2"),
        ("Task", "patient", "t1 t2"),
        ("Task", "-patient", "t2 t1"),
        ("Observation", "value-quantity", "o1 o2 o3"),
        ("Observation", "-value-quantity", "o3 o2 o1"),
        ("Patient", "identifier", "p1 p2 p3"),
        ("Patient", "organization", "p1 p2 p3"),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 10])
def test_pages_follow_any_order(full: PostgresStore, type: str, sort: str, expected: str, count: int) -> None:
    seen: list[str] = []
    cursor = None
    for _ in range(10):
        page = full.reader("a").search(search_query(f"_sort={sort}", type, count=count, cursor=cursor))
        seen += [each.key.id for each in page.matches]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == expected.split()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_id=t1&_include=Task:patient", "Patient/p1"),
        ("_id=t1&_include=Task:patient&_include:iterate=Patient:organization", "Patient/p1 Organization/unit"),
        ("_id=t1&_include=Task:patient&_include:iterate=Patient:organization&_include:iterate=Organization:partof",
         "Patient/p1 Organization/unit Organization/top"),
        ("_id=t1&_include:recurse=Task:patient&_include:iterate=Patient:organization",
         "Patient/p1 Organization/unit"),
        ("_id=t1&_include=Task:patient&_revinclude:iterate=Observation:subject", "Patient/p1 Observation/o1"),
        ("_id=t1&_include=Task:patient&_revinclude=Observation:subject", "Patient/p1"),
        ("_id=t1&_include=*&_revinclude=Provenance:target", "Patient/p1 Provenance/prov"),
        ("_id=t1&_include=Task:patient:Group", ""),
    ],
)  # fmt: skip
def test_includes_go_on_from_what_was_included_when_asked_to(full: PostgresStore, query: str, expected: str) -> None:
    page = full.reader("a").search(search_query(query, "Task"))
    assert sorted(str(each.key) for each in page.included) == sorted(expected.split())


CHAINS = (
    ("Task", "patient.organization.name=crisis"),
    ("Task", "patient.family=Müller"),
    ("Patient", "_has:Task:patient:status=requested"),
    ("Patient", "_has:Task:patient:_has:Provenance:target:_id=prov"),
)


@pytest.mark.parametrize(("type", "query"), CHAINS)
def test_what_the_reader_may_not_see_links_nothing(store: PostgresStore, type: str, query: str) -> None:
    """`b` has resources of its own that point at what `a` has, and the other way round: no chain leads across."""
    theirs = {"Task", "Provenance"} if type == "Task" else {"Patient", "Organization"}
    far = [tree for tree in TREES if tree["resourceType"] not in theirs]
    near = [tree for tree in TREES if tree["resourceType"] in theirs]
    store.commit(WriteSet("a", resources=[version(tree, author="a") for tree in far]))
    store.commit(WriteSet("b", resources=[version(tree, author="b") for tree in near]))
    assert store.reader("b").search(search_query("", type)).matches
    assert not store.reader("b").search(search_query(query, type)).matches
    assert store.system_reader().search(search_query(query, type)).matches
    iterated = "_include=Task:patient&_include:iterate=Patient:organization&_revinclude=Observation:subject"
    assert not store.reader("b").search(search_query(iterated, "Task")).included


def test_a_lenient_search_leaves_out_what_it_does_not_know_and_says_so(full: PostgresStore) -> None:
    lenient = search_query("status=requested&nothing:exact=1&_text=x", "Task", lenient=True)
    page = full.reader("a").search(lenient)
    assert ([each.key.id for each in page.matches], page.ignored) == (["t1"], ("nothing:exact", "_text"))
    for still_refused in ("status:nothing=x", "patient.nothing=x", "authored-on=x", "_has:Nothing:x:y=z", "status="):
        with pytest.raises(HandoffError):
            full.reader("a").search(search_query(still_refused, "Task", lenient=True))


def test_criteria_of_a_write_are_never_lenient(full: PostgresStore) -> None:
    with pytest.raises(HandoffError, match="nothing"):
        full.reader("a").match("Task", "status=requested&nothing=1")


def test_a_total_may_be_estimated_or_left_out(full: PostgresStore) -> None:
    def total(how: str) -> int | None:
        return full.reader("a").search(search_query(f"_total={how}", "Patient", count=1)).total

    assert [total(how) for how in ("accurate", "estimate", "none")] == [3, 3, None]
    assert full.reader("a").search(search_query("_total=none", "Patient")).total is None


def test_a_history_is_paged_newest_first_and_shows_no_version_of_others(store: PostgresStore) -> None:
    for number in (1, 2, 3):
        at = NOW + timedelta(minutes=number)
        resources = [version(patient(id), number, at=at) for id in ("p1", "p2")]
        store.commit(WriteSet("a", resources=resources))
    store.commit(WriteSet("b", resources=[version(patient("q"), author="b")]))

    def pages(id: str | None, count: int, since: Any = None) -> list[str]:
        seen, cursor = [], None
        for _ in range(10):
            page = store.reader("a").history_page("Patient", id, since=since, count=count, cursor=cursor)
            seen += [f"{each.key.id}/{each.version}" for each in page.versions]
            if (cursor := page.next_cursor) is None:
                break
        return seen

    whole = ["p2/3", "p1/3", "p2/2", "p1/2", "p2/1", "p1/1"]
    assert [pages(None, count) for count in (1, 4, 50)] == [whole] * 3
    assert pages("p1", 2) == ["p1/3", "p1/2", "p1/1"]
    assert pages(None, 3, since=NOW + timedelta(minutes=2)) == whole[:4]
    assert pages("q", 5) == []
    total = store.reader("a").history_page("Patient", "p1", since=None, count=0, cursor=None)
    assert (list(total.versions), total.total, total.next_cursor) == ([], 3, None)
    for cursor in ("x", "e30", "WzEsMiwzXQ", "WyIyMDI2LTExLTIxIiwiYSIsMV0"):
        with pytest.raises(Invalid, match="cursor"):
            store.reader("a").history_page("Patient", None, since=None, count=1, cursor=cursor)
    assert store.reader("a").read(ResourceKey("Patient", "p1")) is not None
