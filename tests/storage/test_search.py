"""Search as R4 has it: parameters, modifiers, prefixes, includes, sorting and pages (https://hl7.org/fhir/R4/search.html)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from kept import NOW, deletion, found, patient, search_query, task, version

from adapter.domain.errors import HandoffError, Invalid, NotSupported, TooLarge
from adapter.storage import PostgresStore, open_store
from adapter.use_cases.ports import WriteSet

CODE = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}
TREES: list[dict[str, Any]] = [
    task(
        "open",
        code=CODE,
        identifier=[{"system": "urn:placer", "value": "1"}, {"value": "bare"}],
        focus={"reference": "ServiceRequest/s1/_history/3"},
        executionPeriod={"start": "2026-11-21", "end": "2026-11-23T10:00:00+01:00"},
        lastModified="2026-11-21T09:15:00+01:00",
        meta={"tag": [{"system": "urn:tag", "code": "x"}], "profile": ["https://x.example/StructureDefinition/t|1.0"]},
    ),
    task(
        "done",
        status="completed",
        priority="urgent",
        authoredOn="2026-12-01T23:30:00-05:00",
        focus={"reference": "https://other.example/fhir/ServiceRequest/s1"},
        owner={"identifier": {"system": "urn:npi", "value": "77"}},
        executionPeriod={"start": "2026-12-01"},
        businessStatus={"coding": [{"code": "no-system"}], "text": "x"},
        **{"for": {"reference": "Group/p1"}},
    ),
    patient("p1"),
    patient("p2", name=[{"text": "Jean-Luc O'Hara", "family": "O'Hara"}], birthDate="1991", active=False,
            telecom=[{"system": "phone", "value": "+15551"}, {"system": "email", "value": "x@y.example"}],
            managingOrganization={"reference": "Organization/b"}, deceasedDateTime="2026-01-01"),
    {
        "resourceType": "Appointment",
        "id": "visit",
        "status": "booked",
        "start": "2026-11-24T09:00:00Z",
        "participant": [
            {"actor": {"reference": "Patient/p1"}, "status": "accepted"},
            {"actor": {"reference": "Location/l1"}, "status": "tentative"},
        ],
    },
    {
        "resourceType": "Provenance",
        "id": "prov",
        "target": [{"reference": "Task/open"}, {"reference": "Patient/p1"}],
        "recorded": "2026-11-21T12:00:00.500Z",
        "agent": [{"who": {"reference": "Organization/a"}}],
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def full(postgres: Any) -> Iterator[PostgresStore]:
    """A store with TREES, which the tests only read."""
    with postgres.fresh_database() as url:
        store = open_store(url)
        fill(store)
        yield store
        store.close()


def fill(store: PostgresStore) -> None:
    store.commit(WriteSet("a", resources=[version(t, at=NOW + timedelta(seconds=n)) for n, t in enumerate(TREES)]))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # token
        ("status=requested", "open"),
        ("status=requested,completed", "done open"),
        ("status=http://hl7.org/fhir/task-status|requested", "open"),
        ("status=requested&status=completed", ""),
        ("status:not=requested", "done"),
        ("priority:not=urgent", "open"),
        ("code=fulfill", "open"),
        ("code=http://hl7.org/fhir/CodeSystem/task-code|fulfill", "open"),
        ("code=http://hl7.org/fhir/CodeSystem/task-code|", "open"),
        ("code=|fulfill", ""),
        ("business-status=|no-system", "done"),
        ("identifier=urn:placer|1", "open"),
        ("identifier=1", "open"),
        ("identifier=|1", ""),
        ("identifier=|bare", "open"),
        ("identifier=urn:other|1", ""),
        ("_tag=urn:tag|x", "open"),
        # uri
        ("_profile=https://x.example/StructureDefinition/t", "open"),
        ("_profile=https://x.example/StructureDefinition/t|1.0", "open"),
        ("_profile=https://x.example/StructureDefinition/t|2.0", ""),
        # reference
        ("owner=Organization/b", "open"),
        ("owner=b", "open"),
        ("owner:Organization=b", "open"),
        ("owner:Practitioner=b", ""),
        ("owner=Practitioner/b", ""),
        ("owner:identifier=urn:npi|77", "done"),
        ("owner:identifier=77", "done"),
        ("subject=Patient/p1", "open"),
        ("subject:Patient=p1", "open"),
        ("subject=p1", "done open"),
        ("subject=Group/p1", "done"),
        ("patient=p1", "open"),
        ("patient=Group/p1", ""),
        ("patient=Patient/p1,Patient/p2", "open"),
        ("focus=ServiceRequest/s1", "open"),
        ("focus=https://other.example/fhir/ServiceRequest/s1", "done"),
        # chain
        ("patient.identifier=urn:mrn|p1", "open"),
        ("patient.identifier=urn:mrn|p2", ""),
        ("subject:Patient.name=eva", "open"),
        ("patient.birthdate=1990", "open"),
        # missing
        ("focus:missing=false", "done open"),
        ("code:missing=true", "done"),
        ("code:missing=false", "open"),
        ("patient:missing=true", "done"),
        # date, at every precision
        ("authored-on=2026-11-21", "open"),
        ("authored-on=2026-11", "open"),
        ("authored-on=2026", "done open"),
        ("authored-on=2026-12-02", "done"),
        ("authored-on=2026-12-02T04:30:00Z", "done"),
        ("authored-on=2026-12-01T23:30:00-05:00", "done"),
        ("authored-on=2026-11-21T00:00:00Z", ""),
        ("authored-on=ne2026-11-21", "done"),
        ("authored-on=gt2026-11-21", "done"),
        ("authored-on=ge2026-11-21", "done open"),
        ("authored-on=lt2026-11-21", ""),
        ("authored-on=le2026-11-21", "open"),
        ("authored-on=sa2026-11-21", "done"),
        ("authored-on=eb2026-12-01", "open"),
        ("authored-on=ap2026-11-21T12:00:00Z", "open"),
        ("authored-on=ge2026-11-01&authored-on=lt2026-12-01", "open"),
        ("period=2026-11", "open"),
        ("period=2026-11-21", ""),
        ("period=gt2026-11-22", "done open"),
        ("period=sa2026-11-22", "done"),
        ("period=eb2026-11-24", "open"),
        ("modified=2026-11-21T08:15:00Z", "open"),
        # every resource
        ("_id=open", "open"),
        ("_id=open,done,none", "done open"),
        ("_lastUpdated=2026-11-21", "done open"),
        ("_lastUpdated=gt2026-11-21T12:00:00Z", "done"),
        ("_lastUpdated=le2026-11-21T12:00:00Z", "open"),
        # the worklist, and filters beside it
        ("owner=Organization/b&status=requested,received", "open"),
        ("owner=b&status=requested&patient=p1", "open"),
        ("owner=b&status=requested&code:missing=true", ""),
        ("requester=Organization/a&status=requested,completed", "done open"),
        ("requester=Organization/a&status:not=requested", "done"),
        ("owner=Organization/b&owner=Organization/x&status=requested", ""),
        # what shapes the answer chooses nothing
        ("_count=1&_format=json&_sort=_id&status=requested", "open"),
        # escapes
        (r"identifier=urn:placer|1\,2", ""),
    ],
)
def test_tasks_are_found(full: PostgresStore, query: str, expected: str) -> None:
    assert found(full, query) == expected.split()


@pytest.mark.parametrize(
    ("type", "query", "expected"),
    [
        ("Patient", "name=mul", "p1"),
        ("Patient", "name=MÜLLER", "p1"),
        ("Patient", "family=mu", "p1"),
        ("Patient", "given=mar", "p1"),
        ("Patient", "family=eva", ""),
        ("Patient", "name=ller", ""),
        ("Patient", "name:contains=LLE", "p1"),
        ("Patient", "name:exact=Müller", "p1"),
        ("Patient", "name:exact=müller", ""),
        ("Patient", "name=o'hara", "p2"),
        ("Patient", "name=jean", "p2"),
        ("Patient", "name=%", ""),
        ("Patient", "name=eva,jean", "p2 p1"),
        ("Patient", "birthdate=1990-05", "p1"),
        ("Patient", "birthdate=1990", "p1"),
        ("Patient", "birthdate=1990-05-04", ""),
        ("Patient", "birthdate=ge1990-06", "p2"),
        ("Patient", "active=false", "p2"),
        ("Patient", "phone=+15551", "p2"),
        ("Patient", "email=+15551", ""),
        ("Patient", "deceased=true", "p2"),
        ("Patient", "deceased=false", "p1"),
        ("Patient", "organization=b", "p2"),
        ("Patient", "_revinclude=Task:patient&_id=p1", "p1"),
        ("Appointment", "date=2026-11-24", "visit"),
        ("Appointment", "date=2026-11-24T09:00Z", "visit"),
        ("Appointment", "date=2026-11-25", ""),
        ("Appointment", "patient=p1", "visit"),
        ("Appointment", "location=p1", ""),
        ("Appointment", "location=Location/l1", "visit"),
        ("Appointment", "actor=Patient/p1", "visit"),
        ("Appointment", "practitioner:missing=true", "visit"),
        ("Appointment", "location:missing=true", ""),
        ("Appointment", "part-status=tentative", "visit"),
        ("Provenance", "target=Task/open", "prov"),
        ("Provenance", "patient=Patient/p1", "prov"),
        ("Provenance", "recorded=2026-11-21T12:00:00.500Z", "prov"),
        ("Provenance", "recorded=2026-11-21T12:00:00Z", "prov"),
    ],
)
def test_others_are_found(full: PostgresStore, type: str, query: str, expected: str) -> None:
    assert found(full, query, type) == expected.split()


@pytest.mark.parametrize(
    ("query", "error", "named"),
    [
        ("ownr=x", NotSupported, "ownr"),
        ("status:of-type=a|b|c", NotSupported, ":of-type"),
        ("identifier:of-type=b|c", Invalid, "system|code|value"),
        ("authored-on:exact=2026", NotSupported, ":exact"),
        ("owner:below=x", NotSupported, ":below"),
        ("status=", Invalid, "status"),
        ("authored-on=yesterday", Invalid, "authored-on"),
        ("authored-on=2026-13-01", Invalid, "authored-on"),
        ("code:missing=maybe", Invalid, "code:missing"),
        ("subject.name=x", Invalid, "subject:Patient.name"),
        ("patient.nothing=x", NotSupported, "nothing"),
        ("patient.organization.nothing=x", NotSupported, "nothing"),
        ("patient.organization.partof.partof.partof.partof.name=x", TooLarge, "at most 5"),
        ("_has:Provenance:target=x", Invalid, "_has:Type:reference:parameter"),
        ("_has:Provenance:nothing:_id=x", NotSupported, "nothing"),
        ("_has:Appointment:patient:status=booked", Invalid, "points at Task"),
        ("status.name=x", NotSupported, "status.name"),
        ("_lastUpdated.name=2026", NotSupported, "_lastUpdated.name"),
        ("_id.name=x", NotSupported, "_id.name"),
        ("_sort=nothing", NotSupported, "_lastUpdated"),
        ("_sort=authored-on,nothing", NotSupported, "_lastUpdated"),
        ("_sort=authored-on,", NotSupported, "_lastUpdated"),
        ("_sort=_id,_id,_id,_id,_id,_id", NotSupported, "at most 5"),
        ("_include=Task:status", NotSupported, "status"),
        ("_include=Patient:organization", Invalid, "Task"),
        ("_include:nothing=Task:patient", NotSupported, ":nothing"),
        ("_include=Task", Invalid, "Type:parameter"),
        ("_revinclude=Nothing:patient", NotSupported, "_revinclude"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    full: PostgresStore, query: str, error: type[HandoffError], named: str
) -> None:
    with pytest.raises(error) as refusal:
        found(full, query)
    assert named in str(refusal.value)


def test_a_cursor_that_is_none_is_refused(full: PostgresStore) -> None:
    for cursor in ("x", "e30", "WzEsMl0", "WyIyMDI2LTExLTIxIiwiYSJd", "¤"):
        with pytest.raises(Invalid, match="cursor"):
            found(full, "", cursor=cursor)


@pytest.mark.parametrize(
    "query",
    ["", "status=requested", "owner=Organization/b&status=requested,received", "_sort=_id", "_sort=-_id",
     "_sort=_lastUpdated", "_sort=authored-on", "_sort=-authored-on", "_sort=-period", "authored-on=ge2026",
     "_sort=-authored-on,_lastUpdated", "_sort=status,-authored-on,-_id"],
)  # fmt: skip
def test_pages_together_are_the_whole_in_order(store: PostgresStore, query: str) -> None:
    """Ties in time, Tasks without the date that is sorted by, and Tasks that come in between do no harm."""
    trees = [task(f"t{n:02}", authoredOn=f"2026-11-{1 + n % 7:02}") for n in range(23)]
    for tree in trees[::5]:
        del tree["authoredOn"]
    if "authored-on=ge" in query:
        trees = [tree for tree in trees if "authoredOn" in tree]
    store.commit(WriteSet("a", resources=[version(t, at=NOW + timedelta(seconds=n // 4)) for n, t in enumerate(trees)]))
    whole = found(store, query, count=100)
    assert len(whole) == len(trees)
    for size in (1, 4, 22, 23):
        pages, cursor = [], None
        while True:
            page = store.reader("a").search(search_query(query, count=size, cursor=cursor))
            pages += [match.key.id for match in page.matches]
            if (cursor := page.next_cursor) is None:
                break
            assert len(page.matches) == size
        assert pages == whole


@pytest.mark.parametrize("sort", ["status,authored-on", "-status,authored-on", "authored-on,-priority,status",
                                  "-authored-on,-status,_id", "priority,-authored-on,-_id"])  # fmt: skip
def test_what_is_equal_by_one_parameter_is_sorted_by_the_next(store: PostgresStore, sort: str) -> None:
    """Against Python's stable sort, last key first; what has no value comes last, whichever the direction."""
    trees = [
        task(f"t{n:02}", status=("requested", "accepted")[n % 2], authoredOn=f"2026-11-{1 + n % 3:02}",
             priority=("routine", "urgent", "stat")[n % 5 % 3])
        for n in range(24)
    ]  # fmt: skip
    for tree in trees[::4]:
        del tree["authoredOn"]
    for tree in trees[::7]:
        del tree["priority"]
    store.commit(WriteSet("a", resources=[version(tree) for tree in trees]))
    keys = [(each.removeprefix("-"), each.startswith("-")) for each in sort.split(",")]
    expected = sorted(trees, key=lambda tree: tree["id"], reverse=keys[-1][1])
    for name, descending in reversed(keys):
        element = {"authored-on": "authoredOn", "_id": "id"}.get(name, name)
        expected.sort(key=lambda tree, e=element: tree.get(e, ""), reverse=descending)
        expected.sort(key=lambda tree, e=element: e not in tree)
    for size in (1, 3, 24):
        seen, cursor = [], None
        while True:
            page = store.reader("a").search(search_query(f"_sort={sort}", count=size, cursor=cursor))
            seen += [match.key.id for match in page.matches]
            if (cursor := page.next_cursor) is None:
                break
        assert seen == [tree["id"] for tree in expected], size


def test_a_cursor_of_another_order_is_refused(store: PostgresStore) -> None:
    store.commit(WriteSet("a", resources=[version(task(f"t{n}")) for n in range(3)]))
    cursor = store.reader("a").search(search_query("_sort=status,_id", count=1)).next_cursor
    for sort in ("status", "status,_id,_lastUpdated", "_lastUpdated,_id"):
        with pytest.raises(Invalid, match="cursor"):
            found(store, f"_sort={sort}", cursor=cursor)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("probability", ["open", "low", "high", "none"]), ("-probability", ["high", "low", "open", "none"])],
)  # fmt: skip
def test_a_range_is_sorted_by_where_it_begins(store: PostgresStore, sort: str, expected: list[str]) -> None:
    def risk(id: str, **chance: Any) -> dict[str, Any]:
        return {"resourceType": "RiskAssessment", "id": id, "prediction": [chance]}

    trees = [risk("none"), risk("high", probabilityDecimal=90), risk("open", probabilityRange={"high": {"value": 5}}),
             risk("low", probabilityRange={"low": {"value": 7}, "high": {"value": 99}})]  # fmt: skip
    store.commit(WriteSet("a", resources=[version(tree) for tree in trees]))
    assert found(store, f"_sort={sort}", "RiskAssessment") == expected
    pages, cursor = [], None
    while True:
        page = store.reader("a").search(search_query(f"_sort={sort}", "RiskAssessment", count=1, cursor=cursor))
        pages += [match.key.id for match in page.matches]
        if (cursor := page.next_cursor) is None:
            break
    assert pages == expected


def test_the_newest_come_first_and_a_new_one_does_not_shift_the_next_page(store: PostgresStore) -> None:
    store.commit(WriteSet("a", resources=[version(task(f"t{n}"), at=NOW + timedelta(hours=n)) for n in range(4)]))
    first = store.reader("a").search(search_query("", count=2))
    assert [match.key.id for match in first.matches] == ["t3", "t2"]
    store.commit(WriteSet("a", resources=[version(task("t9"), at=NOW + timedelta(hours=9))]))
    assert found(store, "", count=2, cursor=first.next_cursor) == ["t1", "t0"]


def test_a_total_is_counted_when_asked_for(store: PostgresStore) -> None:
    store.commit(WriteSet("a", resources=[version(task(f"t{n}")) for n in range(5)]))
    reader = store.reader("a")
    assert reader.search(search_query("_total=accurate", count=2)).total == 5
    assert reader.search(search_query("_total=none", count=2)).total is None
    assert reader.search(search_query("", count=50)).total == 5, "it is known when everything is on the first page"
    counted = reader.search(search_query("_total=accurate", count=0))
    assert (counted.total, counted.matches, counted.next_cursor) == (5, [], None)


def test_includes_bring_each_resource_once_and_no_match_again(store: PostgresStore) -> None:
    fill(store)

    def included(query: str, type: str = "Task") -> list[str]:
        page = store.reader("a").search(search_query(query, type))
        return sorted(str(each.key) for each in page.included)

    assert included("_include=Task:patient&_include=Task:subject") == ["Patient/p1"]
    assert included("_include=Task:subject:Patient&_id=open") == ["Patient/p1"]
    assert included("_include=Task:subject:Group") == []
    assert included("_include=Task:*&_id=open") == ["Patient/p1"]
    assert included("_revinclude=Provenance:target") == ["Provenance/prov"]
    assert included("_revinclude=Task:patient&_revinclude=Provenance:target&_id=p1", "Patient") == [
        "Provenance/prov",
        "Task/open",
    ]
    assert included("_revinclude=Task:focus:Patient&_id=p1", "Patient") == []
    store.commit(WriteSet("a", resources=[deletion(version(patient("p1")).key, 2)]))
    assert included("_include=Task:patient") == []


def test_an_updated_resource_is_found_by_what_it_says_now(store: PostgresStore) -> None:
    fill(store)
    store.commit(WriteSet("a", resources=[version(patient("p1", birthDate="1980", name=[{"family": "Neu"}]), 2)]))
    assert found(store, "name=müller", "Patient") == found(store, "birthdate=1990", "Patient") == []
    assert found(store, "name=neu", "Patient") == found(store, "birthdate=1980", "Patient") == ["p1"]
    store.commit(WriteSet("a", resources=[version(task("open", status="accepted"), 2)]))
    assert found(store, "owner=Organization/b&status=requested") == []
    assert found(store, "owner=Organization/b&status=accepted") == ["open"]


def test_more_than_can_be_sorted_is_walked_through(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.storage.search.MOST_SORTED", 3)
    store.commit(WriteSet("a", resources=[version(task(f"t{n}"), at=NOW + timedelta(hours=n)) for n in range(9)]))
    assert found(store, "patient=p1", count=2) == ["t8", "t7"]
    assert found(store, "patient=p1&_sort=_lastUpdated", count=2) == ["t0", "t1"]
    assert found(store, "patient=p1&_id=t3,t2,t1", count=2) == ["t3", "t2"]


def test_a_chain_that_leads_to_too_much_is_refused(full: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.storage.search_chains.MOST_CHAINED", 1)
    with pytest.raises(TooLarge, match=r"patient\.birthdate") as refusal:
        found(full, "patient.birthdate=ge1990")
    assert refusal.value.issues[0].code == "too-costly"


def test_criteria_match_at_most_two(store: PostgresStore) -> None:
    same = [{"system": "urn:mrn", "value": "1"}]
    store.commit(WriteSet("a", resources=[version(patient(f"p{n}", identifier=same)) for n in range(5)]))
    reader = store.reader("a")
    assert len(reader.match("Patient", "identifier=urn:mrn|1")) == 2
    assert len(reader.match("Patient", "identifier=urn%3Amrn%7C1&_id=p3")) == 1
    assert reader.match("Patient", "identifier=urn:mrn|2") == []
    for nothing in ("", "_count=1"):
        with pytest.raises(Invalid, match="criteria"):
            reader.match("Patient", nothing)
    with pytest.raises(NotSupported, match="nonsense"):
        reader.match("Patient", "nonsense=1")
