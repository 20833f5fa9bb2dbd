"""A write set is kept whole or not at all, and what it was decided on must still be so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import psycopg
import pytest
from kept import (
    NOW,
    PATIENT,
    TASK,
    deletion,
    event,
    found,
    handoff,
    patient,
    referral,
    request,
    search_query,
    task,
    version,
)
from sqlalchemy import make_url, text

from adapter.domain.errors import Unavailable
from adapter.storage import PostgresStore, open_store, upgrade
from adapter.use_cases.ports import (
    Deadline,
    DuplicateRequest,
    NewVersion,
    Notification,
    ResourceKey,
    WriteConflict,
    WriteSet,
)

THREADS = 8
TABLES = (
    "resource_version",
    "handoff",
    "ledger_event",
    "deadline",
    "notification",
    "request_record",
    "procrastinate_jobs",
)


def rows(store: PostgresStore) -> dict[str, int]:
    with store.engine.connect() as connection:
        return {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in TABLES}


def at_once(work: Callable[[int], None]) -> list[BaseException | None]:
    """What came of `work` in eight threads that start together: None where it went well."""
    barrier = Barrier(THREADS)

    def run(number: int) -> BaseException | None:
        barrier.wait()
        try:
            work(number)
        except (WriteConflict, DuplicateRequest) as error:
            return error
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_everything_in_a_write_set_can_be_read_back(store: PostgresStore) -> None:
    change = referral()
    store.commit(change)

    reader = store.reader("a")
    stored = reader.read(TASK)
    assert stored is not None
    assert (stored.body, stored.version, stored.author) == (change.resources[0].body, 1, "a")
    assert (stored.last_updated, stored.handoffs, stored.deleted) == (NOW, ("t1",), False)
    assert reader.handoff("t1") == change.handoffs[0]
    assert reader.handoffs_by_correlation(["message-1", "other"]) == change.handoffs
    assert [each.key for each in reader.resources_of("t1")] == [PATIENT, TASK]
    assert reader.ledger_of("t1") == change.events
    assert store.open_deadlines("t1") == change.deadlines
    assert reader.answer_to("k1") == change.requests[0]


def test_an_empty_write_set_writes_nothing(store: PostgresStore) -> None:
    store.commit(WriteSet("a"))
    assert set(rows(store).values()) == {0}


def test_bodies_and_payloads_keep_every_byte(store: PostgresStore) -> None:
    tree = patient(text="ü\\\"'{},NULL\u2028")
    raw = NewVersion(PATIENT, 1, "a", NOW, b'{"a": 1.50, "b":"\\u00fc\\n\\"{}"}', tree)
    told = Notification("b", "t1", "x", TASK, payload=b"\x00\xff{}")
    store.commit(WriteSet("a", resources=[raw], notifications=[told, Notification("b", "t1", "y", TASK)]))
    stored = store.reader("a").read(PATIENT)
    assert stored is not None and stored.body == raw.body
    with store.engine.connect() as connection:
        payloads = connection.execute(text("SELECT payload FROM notification ORDER BY id")).scalars().all()
    assert payloads == [b"\x00\xff{}", None]


def test_each_lane_gets_one_job_in_the_same_commit(store: PostgresStore) -> None:
    told = [Notification("b", "t1", "x", TASK), Notification("b", "t1", "y", TASK), Notification("a", "t1", "x", TASK)]
    store.commit(referral(notifications=told))
    with store.engine.connect() as connection:
        jobs = connection.execute(
            text("SELECT queue_name, task_name, lock, args, status FROM procrastinate_jobs")
        ).all()
        order = connection.execute(text("SELECT lane, event FROM notification ORDER BY id")).all()
    assert sorted(jobs) == [("delivery", "drain_lane", f"{s}:t1", {"lane": f"{s}:t1"}, "todo") for s in ("a", "b")]
    assert order == [("b:t1", "x"), ("b:t1", "y"), ("a:t1", "x")]


def test_creating_an_id_that_exists_conflicts_and_keeps_nothing(store: PostgresStore) -> None:
    store.commit(referral())
    before = rows(store)
    again = referral(requests=[request("k2")], resources=[version(patient("p9")), version(task())])
    with pytest.raises(WriteConflict):
        store.commit(again)
    assert rows(store) == before


def test_a_new_version_replaces_exactly_the_one_before(store: PostgresStore) -> None:
    store.commit(referral())
    for number in (3, 2, 2):
        change = WriteSet(
            "b", resources=[version(task(status="received"), number, "b")], events=[event(kind="received")]
        )
        if number == 2 and found(store, "status=requested"):
            store.commit(change)
        else:
            with pytest.raises(WriteConflict):
                store.commit(change)
    assert len(store.reader("a").ledger_of("t1")) == 2
    assert [each.version for each in store.reader("a").history(TASK)] == [2, 1]
    assert found(store, "status=received") == ["t1"]
    assert found(store, "status=requested") == []


def test_of_eight_updates_at_once_one_wins(store: PostgresStore) -> None:
    store.commit(referral())
    for number in range(2, 7):
        results = at_once(
            lambda thread, number=number: store.commit(  # type: ignore[misc]
                WriteSet(
                    "b",
                    resources=[version(task(status="accepted", note=[{"text": str(thread)}]), number, "b")],
                    handoffs=[handoff(status="accepted")],
                    events=[event(kind=f"accepted-{number}")],
                )
            )
        )
        assert Counter(type(result) for result in results) == {type(None): 1, WriteConflict: THREADS - 1}
    assert [each.version for each in store.reader("a").history(TASK)] == [6, 5, 4, 3, 2, 1]
    assert len(store.reader("a").ledger_of("t1")) == 6


def test_of_eight_requests_with_one_key_one_is_kept_and_the_others_get_its_answer(store: PostgresStore) -> None:
    for attempt in range(10):
        key, before = f"key-{attempt}", rows(store)

        def send(thread: int, key: str = key, attempt: int = attempt) -> None:
            id = f"t{attempt}-{thread}"
            change = referral(
                requests=[request(key, body=id.encode())],
                resources=[version(task(id), handoffs=(id,)), version(patient(f"p{attempt}-{thread}"), handoffs=(id,))],
                handoffs=[handoff(id)],
                deadlines=[Deadline(id, "acceptance", NOW)],
            )
            store.commit(change)

        results = at_once(send)
        duplicates = [result for result in results if isinstance(result, DuplicateRequest)]
        assert len(duplicates) == THREADS - 1, results
        winner = store.reader("a").answer_to(key)
        assert winner is not None and all(duplicate.record == winner for duplicate in duplicates)
        after = rows(store)
        assert {table: after[table] - before[table] for table in TABLES} == {
            **dict.fromkeys(TABLES, 1),
            "resource_version": 2,
        }


def test_the_same_key_of_another_organisation_is_another_request(store: PostgresStore) -> None:
    store.commit(WriteSet("a", requests=[request(tenant="a")]))
    store.commit(WriteSet("b", requests=[request(tenant="b", body=b"other")]))
    answer = store.reader("b").answer_to("k1")
    assert answer is not None and answer.answer.body == b"other"
    assert store.system_reader().answer_to("k1") is None


def test_of_eight_conditional_creates_at_once_one_creates(store: PostgresStore) -> None:
    criteria = "identifier=urn:mrn|7"

    def create(thread: int) -> None:
        if store.reader("a").match("Patient", criteria):
            raise WriteConflict
        new = version(patient(f"p{thread}", identifier=[{"system": "urn:mrn", "value": "7"}]))
        store.commit(WriteSet("a", resources=[new], conditional_creates=[("Patient", criteria, new.key)]))

    assert at_once(create).count(None) == 1
    assert len(store.reader("a").match("Patient", criteria)) == 1


def test_criteria_can_be_used_again_once_what_they_made_is_gone(store: PostgresStore) -> None:
    criteria = "identifier=urn:mrn|p1"
    for number, id in enumerate(("p1", "p2", "p3")):
        new = version(patient(id, identifier=[{"system": "urn:mrn", "value": "p1"}]))
        create = WriteSet("a", resources=[new], conditional_creates=[("Patient", criteria, new.key)])
        store.commit(create)
        other = version(patient(f"other-{number}"))
        with pytest.raises(WriteConflict):
            store.commit(WriteSet("a", resources=[other], conditional_creates=[("Patient", criteria, other.key)]))
        store.commit(WriteSet("a", resources=[deletion(new.key, 2)]))
    assert store.reader("a").match("Patient", criteria) == []


def test_a_deadline_fires_once(store: PostgresStore) -> None:
    store.commit(referral())
    due = store.due_deadlines(NOW + timedelta(hours=2), 10)
    assert due == [Deadline("t1", "acceptance", NOW + timedelta(hours=1))]
    assert store.due_deadlines(NOW, 10) == []
    fire = [("t1", "acceptance")]
    results = at_once(lambda _: store.commit(WriteSet("a", fired_deadlines=fire, events=[event(kind="overdue")])))
    assert Counter(type(result) for result in results) == {type(None): 1, WriteConflict: THREADS - 1}
    assert len(store.reader("a").ledger_of("t1")) == 2
    assert store.open_deadlines("t1") == []
    store.commit(WriteSet("a", deadlines=[Deadline("t1", "acceptance", NOW)], events=[event()]))
    assert store.open_deadlines("t1") == [], "a step that fired stays fired"


def test_cancelling_by_prefix_spares_what_the_same_change_fires_or_sets(store: PostgresStore) -> None:
    steps = ("ladder", "ladder:2", "review", "l%")
    store.commit(referral(deadlines=[Deadline("t1", step, NOW) for step in steps]))
    store.commit(WriteSet("a", cancelled_deadlines=[("t1", "l%")], events=[event()]))
    assert {deadline.step for deadline in store.open_deadlines("t1")} == {"ladder", "ladder:2", "review"}
    later = Deadline("t1", "review", NOW + timedelta(days=1))
    store.commit(WriteSet("a", fired_deadlines=[("t1", "ladder")], cancelled_deadlines=[("t1", "")], deadlines=[later]))
    assert store.open_deadlines("t1") == [later]
    with store.engine.connect() as connection:
        states = connection.execute(text("SELECT step, fired_at IS NULL, cancelled_at IS NULL FROM deadline")).all()
    assert sorted(states) == [
        ("l%", True, False),
        ("ladder", False, True),
        ("ladder:2", True, False),
        ("review", True, True),
    ]


def test_a_cancelled_deadline_can_be_set_again(store: PostgresStore) -> None:
    store.commit(referral())
    store.commit(WriteSet("a", cancelled_deadlines=[("t1", "")], events=[event()]))
    assert store.open_deadlines("t1") == []
    again = Deadline("t1", "acceptance", NOW + timedelta(days=3))
    store.commit(WriteSet("a", deadlines=[again], events=[event()]))
    assert store.open_deadlines("t1") == [again]


@pytest.mark.parametrize(
    "change", ["UPDATE ledger_event SET kind = 'x'", "DELETE FROM ledger_event", "TRUNCATE ledger_event"]
)
def test_the_ledger_is_append_only(store: PostgresStore, database_url: str, change: str) -> None:
    store.commit(referral())
    with (
        psycopg.connect(database_url.replace("+psycopg", "")) as connection,
        pytest.raises(psycopg.errors.RestrictViolation, match="append-only"),
    ):
        connection.execute(change.encode())
    assert store.reader("a").ledger_of("t1") == [event()]


def test_a_deleted_resource_is_read_as_deleted_and_found_by_nothing(store: PostgresStore) -> None:
    store.commit(referral())
    store.commit(WriteSet("a", resources=[deletion(PATIENT, 2)]))
    gone = store.reader("b").read(PATIENT)
    assert gone is not None and gone.deleted and gone.body == b"" and gone.handoffs == ("t1",)
    assert found(store, "identifier=urn:mrn|p1", "Patient") == found(store, "", "Patient") == []
    back = WriteSet("a", resources=[version(patient(), 3)])
    store.commit(back)
    assert found(store, "identifier=urn:mrn|p1", "Patient", tenant="b") == ["p1"]


def test_a_database_that_is_away_is_told_in_our_words(database_url: str) -> None:
    away = open_store(make_url(database_url).set(host="127.0.0.1", port=1, query={}).render_as_string())
    for attempt in (
        lambda: away.commit(referral()),
        lambda: away.reader("a").read(TASK),
        lambda: away.reader("a").search(search_query("status=requested")),
        lambda: away.due_deadlines(NOW, 1),
        lambda: upgrade(str(away.engine.url)),
    ):
        with pytest.raises(Unavailable) as refusal:
            attempt()
        assert refusal.value.issues[0].code == "no-store"


def test_connections_that_the_server_closed_are_replaced_unnoticed(store: PostgresStore, database_url: str) -> None:
    store.commit(referral())
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert store.reader("a").read(TASK) is not None
    store.commit(WriteSet("a", resources=[version(patient("p2"))]))
    assert store.reader("a").read(ResourceKey("Patient", "p2")) is not None
