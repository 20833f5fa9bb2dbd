"""What an organisation may not see is, for it, as what does not exist; and that follows the handoff at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kept import NOW, PATIENT, TASK, event, found, handoff, patient, referral, request, search_query, task, version

from adapter.storage import PostgresStore
from adapter.storage.reads import PostgresReader
from adapter.use_cases.ports import NewVersion, ResourceKey, WriteSet, retrying_on_conflict

NOWHERE = ResourceKey("Task", "nowhere"), ResourceKey("Patient", "nobody")

READS: dict[str, Callable[[PostgresReader, ResourceKey, ResourceKey], Any]] = {
    "read": lambda reader, task, patient: reader.read(task),
    "vread": lambda reader, task, patient: reader.read_version(task, 1),
    "read_many": lambda reader, task, patient: reader.read_many([task, patient]),
    "history": lambda reader, task, patient: reader.history(task),
    "search by id": lambda reader, task, patient: reader.search(search_query(f"_id={task.id}&_total=accurate")),
    "search by reference": lambda reader, task, patient: reader.search(
        search_query(f"patient={patient}&_total=accurate")
    ),
    "search by chain": lambda reader, task, patient: reader.search(
        search_query(f"patient.identifier=urn:mrn|{patient.id}&_total=accurate")
    ),
    "search worklist": lambda reader, task, patient: reader.search(
        search_query(f"owner=Organization/b&status=requested&_total=accurate&_id={task.id}")
    ),
    "search everything": lambda reader, task, patient: reader.search(search_query("_total=accurate")),
    "search by a negation": lambda reader, task, patient: reader.search(
        search_query("status:not=draft&_total=accurate")
    ),
    "search by name": lambda reader, task, patient: reader.search(search_query("name=mull&_total=accurate", "Patient")),
    "search by date": lambda reader, task, patient: reader.search(search_query("authored-on=2026&_total=accurate")),
    "search with a cursor": lambda reader, task, patient: reader.search(
        search_query("_total=accurate", cursor="WyIyMDk5LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwieiJd")
    ),
    "match": lambda reader, task, patient: reader.match("Patient", f"identifier=urn:mrn|{patient.id}"),
    "handoff": lambda reader, task, patient: reader.handoff(task.id),
    "handoffs by correlation": lambda reader, task, patient: reader.handoffs_by_correlation(["message-1"]),
    "resources of the handoff": lambda reader, task, patient: reader.resources_of(task.id),
    "ledger": lambda reader, task, patient: reader.ledger_of(task.id),
    "the answer to a request": lambda reader, task, patient: reader.answer_to("k1"),
}


@pytest.mark.parametrize("way", READS)
def test_foreign_is_as_missing_in_every_way_to_read(store: PostgresStore, way: str) -> None:
    read = READS[way]
    missing = read(store.reader("c"), *NOWHERE)
    store.commit(referral())
    assert read(store.reader("c"), TASK, PATIENT) == missing
    assert read(store.reader("a"), TASK, PATIENT) != missing, "the test must be able to see something"


def test_include_and_revinclude_bring_nothing_foreign(store: PostgresStore) -> None:
    """The Task is c's own, but points at a's Patient; and a's Task points at a public Organization."""
    store.commit(referral())
    own = version(task("t9"), author="c")
    clinic = version({"resourceType": "Organization", "id": "b", "name": "B"}, public=True)
    store.commit(WriteSet("c", resources=[own, clinic]))
    page = store.reader("c").search(search_query("_include=Task:patient&_include=Task:owner"))
    assert [match.key.id for match in page.matches] == ["t9"]
    assert [included.key for included in page.included] == [clinic.key]
    reverse = store.reader("c").search(search_query("_revinclude=Task:owner&_id=b", "Organization"))
    assert [included.key.id for included in reverse.included] == ["t9"]
    both = store.reader("a").search(search_query("_revinclude=Task:owner&_id=b", "Organization"))
    assert [included.key.id for included in both.included] == ["t1"]


def test_a_cursor_of_another_organisation_opens_nothing(store: PostgresStore) -> None:
    change = WriteSet("a", resources=[version(task(f"t{n}")) for n in range(5)])
    store.commit(change)
    cursor = store.reader("a").search(search_query("", count=2)).next_cursor
    assert cursor is not None
    assert store.reader("c").search(search_query("", count=2, cursor=cursor)).matches == []
    assert len(store.reader("a").search(search_query("", count=2, cursor=cursor)).matches) == 2


def test_public_resources_are_read_by_everyone_and_nobody_is_everyone(store: PostgresStore) -> None:
    clinic = version({"resourceType": "Organization", "id": "b", "name": "B"}, public=True)
    store.commit(WriteSet("register", resources=[clinic]))
    assert found(store, "name=b", "Organization", tenant="c") == ["b"]
    for nobody in ("", "*", None):
        with pytest.raises(ValueError, match="organisation"):
            store.reader(nobody)  # type: ignore[arg-type]


def test_rejection_ends_reading(store: PostgresStore) -> None:
    store.commit(referral())
    assert store.reader("b").read(PATIENT) is not None
    store.commit(
        WriteSet(
            "b",
            resources=[version(task(status="rejected"), 2, "b")],
            handoffs=[handoff(status="rejected")],
            events=[event(kind="rejected")],
        )
    )
    reader = store.reader("b")
    assert reader.read(PATIENT) is None
    assert found(store, "", "Patient", tenant="b") == []
    assert reader.match("Patient", "identifier=urn:mrn|p1") == []
    assert [stored.version for stored in reader.history(TASK)] == [2], "what it wrote itself, and no more"
    assert reader.handoff("t1") is None and reader.ledger_of("t1") == []
    assert [stored.version for stored in store.reader("a").history(TASK)] == [2, 1]


def test_a_draft_becomes_visible_when_it_is_requested(store: PostgresStore) -> None:
    change = referral(handoffs=[handoff(status="draft")])
    store.commit(change)
    assert store.reader("b").read(PATIENT) is None
    requested = version(task(), 2)
    store.commit(WriteSet("a", resources=[requested], handoffs=[handoff(status="requested")]))
    assert store.reader("b").read(PATIENT) is not None
    assert len(store.reader("b").history(TASK)) == 2, "every version follows"


def test_a_resource_of_two_handoffs_is_read_by_the_readers_of_both(store: PostgresStore) -> None:
    store.commit(referral())
    second = WriteSet("a", resources=[version(task("t2"), handoffs=("t2",))], handoffs=[handoff("t2", owner="c")])
    second.joined = [(PATIENT, "t2")]
    store.commit(second)
    assert store.reader("c").read(PATIENT) is not None
    assert store.reader("c").read(TASK) is None
    assert [stored.key for stored in store.reader("c").resources_of("t2")] == [PATIENT, ResourceKey("Task", "t2")]
    store.commit(WriteSet("c", handoffs=[handoff("t2", "rejected", owner="c")], events=[event("t2")]))
    assert store.reader("c").read(PATIENT) is None
    assert store.reader("b").read(PATIENT) is not None


def test_a_later_resource_joins_the_handoff_that_it_names(store: PostgresStore) -> None:
    store.commit(referral())
    note = version({"resourceType": "Communication", "id": "c1", "status": "completed"}, handoffs=("t1",))
    store.commit(WriteSet("a", resources=[note]))
    assert store.reader("b").read(note.key) is not None
    store.commit(WriteSet("b", handoffs=[handoff(status="rejected")], events=[event()]))
    assert store.reader("b").read(note.key) is None


def test_a_new_version_stays_in_the_handoffs_of_the_one_before(store: PostgresStore) -> None:
    store.commit(referral())
    store.commit(WriteSet("a", resources=[version(patient(gender="female"), 2)]))
    current = store.reader("b").read(PATIENT)
    assert current is not None and (current.version, current.handoffs) == (2, ("t1",))


def test_an_unknown_handoff_gives_nobody_rights(store: PostgresStore) -> None:
    store.commit(WriteSet("a", resources=[version(patient(), handoffs=("t1",))]))
    assert store.reader("a").read(PATIENT) is not None
    assert store.reader("b").read(PATIENT) is None


def test_joining_and_rejecting_at_once_never_leaves_a_rejected_reader(store: PostgresStore) -> None:
    """The resource is put into the handoff while the handoff is being rejected: whoever is last, `b` reads nothing."""

    def reject(id: str) -> None:
        change = WriteSet("b", handoffs=[handoff(id, "rejected")], events=[event(id)])
        retrying_on_conflict(lambda: store.commit(change))

    def add(id: str, number: int) -> NewVersion:
        new = version({"resourceType": "Communication", "id": f"{id}-{number}", "status": "completed"}, handoffs=(id,))
        retrying_on_conflict(lambda: store.commit(WriteSet("a", resources=[new])))
        return new

    for attempt in range(15):
        id = f"t{attempt}"
        store.commit(
            referral(resources=[version(task(id), handoffs=(id,))], handoffs=[handoff(id)], requests=[], deadlines=[])
        )
        with ThreadPoolExecutor(5) as pool:
            added = [pool.submit(add, id, number) for number in range(4)]
            rejected = pool.submit(reject, id)
        rejected.result()
        for each in added:
            assert store.reader("a").read(each.result().key) is not None
            assert store.reader("b").read(each.result().key) is None


def test_two_handoffs_of_one_resource_that_end_at_once_both_end(store: PostgresStore) -> None:
    for attempt in range(15):
        one, two, key = f"x{attempt}", f"y{attempt}", ResourceKey("Patient", f"p{attempt}")
        change = WriteSet("a", handoffs=[handoff(one, owner="b"), handoff(two, owner="c")])
        change.resources = [version(task(id), handoffs=(id,)) for id in (one, two)]
        change.resources.append(version(patient(key.id), handoffs=(one, two)))
        store.commit(change)
        assert store.reader("b").read(key) is not None and store.reader("c").read(key) is not None

        def reject(id: str, owner: str) -> None:
            rejected = WriteSet(owner, handoffs=[handoff(id, "rejected", owner=owner)], events=[event(id)])
            retrying_on_conflict(lambda: store.commit(rejected))

        with ThreadPoolExecutor(2) as pool:
            for result in [pool.submit(reject, one, "b"), pool.submit(reject, two, "c")]:
                result.result()
        assert store.reader("a").read(key) is not None
        assert store.reader("b").read(key) is None and store.reader("c").read(key) is None


def test_the_system_reads_everything(store: PostgresStore) -> None:
    store.commit(referral(requests=[request()]))
    system = store.system_reader()
    assert system.read(TASK) is not None and system.handoff("t1") is not None
    assert [match.last_updated for match in system.search(search_query("status=requested")).matches] == [NOW]
