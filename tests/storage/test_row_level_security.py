"""Behind the predicate stands PostgreSQL: a statement that forgets who asks shows nothing foreign."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from kept import NOW, PATIENT, TASK, handoff, patient, referral, search_query, task, version
from psycopg.errors import InsufficientPrivilege
from test_access import READS

from adapter.domain.errors import Unavailable
from adapter.domain.handoff import LedgerEvent
from adapter.domain.origin import Origin
from adapter.storage import PostgresStore, open_store
from adapter.storage.access import EVERYTHING
from adapter.storage.audit_chain import AuditChain
from adapter.storage.connections import Driver, driver_as, driver_of
from adapter.storage.embedded_postgres import OWNER
from adapter.storage.lanes import LaneStore, Told
from adapter.storage.reads import PostgresReader, request_record_of
from adapter.storage.roles import READER
from adapter.use_cases.ports import ResourceKey, WriteSet

ASKED = Origin("read", "http://127.0.0.1:8080/fhir", "127.0.0.1", "r-1", "Task?patient=1")
TENANTS = [f"org-{n}" for n in range(5)]


def forgetful(store: PostgresStore, tenant: str) -> PostgresReader:
    """A reader whose statements say nothing of who asks: every predicate is `true`."""
    return PostgresReader(store.reading_as(tenant), EVERYTHING)


WAYS: dict[str, Callable[[PostgresReader, ResourceKey, ResourceKey], Any]] = {
    **{name: way for name, way in READS.items() if name != "the answer to a request"},
    "history of a type": lambda reader, task, patient: reader.history_page(
        "Task", None, since=None, count=9, cursor=None
    ),
    "history in pages": lambda reader, task, patient: reader.history_page(
        "Patient", patient.id, since=None, count=9, cursor=None
    ),
    "search by _has": lambda reader, task, patient: reader.search(
        search_query("_has:Task:patient:status=requested&_total=accurate", "Patient")
    ),
    "search by :missing": lambda reader, task, patient: reader.search(
        search_query("focus:missing=true&_total=accurate")
    ),
    "search in another order": lambda reader, task, patient: reader.search(search_query("_sort=status")),
    "clock": lambda reader, task, patient: reader.clock_of(task.id),
    "open handoffs": lambda reader, task, patient: reader.open_handoffs("b", NOW, 9),
    "measures": lambda reader, task, patient: reader.requested_between(
        NOW - timedelta(days=9), NOW + timedelta(days=9), 9
    ),
    "provenance": lambda reader, task, patient: reader.read(ResourceKey("Provenance", f"{task.id}.1")),
    "provenance of a task": lambda reader, task, patient: reader.search(
        search_query(f"target=Task/{task.id}", "Provenance")
    ),
    "audit": lambda reader, task, patient: reader.search(search_query("", "AuditEvent")),
    "audit of a patient": lambda reader, task, patient: reader.search(search_query(f"patient={patient}", "AuditEvent")),
    "audit event": lambda reader, task, patient: [reader.read(ResourceKey("AuditEvent", f"{n}-1")) for n in (1, 2, 3)],
}


def everything_kept(store: PostgresStore) -> None:
    """A row at least in every table that tenants see something of: a hands Eva over to b."""
    store.commit(referral())
    store.disclosed("a", ASKED, store.system_reader().resources_of("t1"))
    lanes = LaneStore(store.engine)
    head = lanes.head("b:t1")
    assert head is not None
    lanes.begin(head, timedelta(minutes=1))
    AuditChain(store.engine).seal()


@pytest.fixture(scope="module")
def empty(postgres: Any) -> Iterator[PostgresStore]:
    opened = open_store(postgres.postgres.url(postgres.clone()))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def full(postgres: Any) -> Iterator[PostgresStore]:
    opened = open_store(postgres.postgres.url(postgres.clone()))
    everything_kept(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_read_without_its_predicate_shows_nothing_foreign(
    empty: PostgresStore, full: PostgresStore, way: str
) -> None:
    read = WAYS[way]
    missing = read(forgetful(empty, "c"), TASK, PATIENT)
    assert read(forgetful(full, "c"), TASK, PATIENT) == missing
    assert read(forgetful(full, "a"), TASK, PATIENT) != missing, "the test must be able to see something"


@pytest.mark.parametrize("way", WAYS)
def test_without_row_security_such_a_read_would_show_it(
    empty: PostgresStore, full: PostgresStore, without_row_security: None, way: str
) -> None:
    """Else the test above would prove nothing."""
    read = WAYS[way]
    assert read(forgetful(full, "c"), TASK, PATIENT) != read(forgetful(empty, "c"), TASK, PATIENT)


def test_includes_without_a_predicate_bring_nothing_foreign(store: PostgresStore) -> None:
    """The Task is c's own, but points at a's Patient; and a's Task points at a public Organization."""
    store.commit(referral())
    own = version(task("t9"), author="c")
    clinic = version({"resourceType": "Organization", "id": "b", "name": "B"}, public=True)
    store.commit(WriteSet("c", resources=[own, clinic]))
    page = forgetful(store, "c").search(search_query("_include=Task:patient&_include=Task:owner"))
    assert [stored.key.id for stored in (*page.matches, *page.included)] == ["t9", "b"]
    reverse = forgetful(store, "c").search(search_query("_revinclude=Task:owner&_id=b", "Organization"))
    assert [included.key.id for included in reverse.included] == ["t9"]
    all_of_them = forgetful(store, "a").search(search_query("_revinclude=Task:owner&_id=b", "Organization"))
    assert [included.key.id for included in all_of_them.included] == ["t1"]


def test_answers_and_events_are_those_of_who_asks(store: PostgresStore) -> None:
    everything_kept(store)
    for tenant, found in {"a": True, "b": False, "c": False}.items():
        with store.reading_as(tenant)() as driver:
            assert (request_record_of(driver, "a", "k1") is not None) == found, tenant
    for tenant, found in {"a": False, "b": True, "c": False}.items():
        told = Told(store.reading_as(tenant))
        assert (told.last_event("b"), len(told.past_events("b", 1, 9)), len(told.waiting("b"))) == (found,) * 3, tenant


def test_who_may_no_longer_read_a_handoff_keeps_the_transition_that_it_made(store: PostgresStore) -> None:
    """A Provenance goes by the version of the Task, not by the handoff."""
    store.commit(referral())
    rejected = version(task(status="rejected"), 2, "b", at=NOW + timedelta(hours=1))
    at = rejected.last_updated
    line = LedgerEvent("t1", "handoff:rejected", "b", at, at, "requested", "rejected")
    store.commit(WriteSet("b", resources=[rejected], handoffs=[handoff(status="rejected")], events=[line]))
    for reader in (store.reader("b"), forgetful(store, "b")):
        assert reader.handoff("t1") is None
        assert reader.read(ResourceKey("Provenance", "t1.1")) is None
        assert reader.read(ResourceKey("Provenance", "t1.2")) == store.reader("a").read(
            ResourceKey("Provenance", "t1.2")
        )


@pytest.fixture
def relations(full: PostgresStore) -> list[str]:
    """Every table and view there is, as PostgreSQL's catalogue names them."""
    with driver_of(full.engine) as driver:
        rows = driver.rows(
            "SELECT n.nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema)'"
        )
    return [name for (name,) in rows]


def seen(driver: Driver, relations: list[str]) -> set[str]:
    """Those of which a row is to be seen; most may not even be asked."""
    found = set()
    for name in relations:
        with suppress(InsufficientPrivilege):
            if driver.rows(f"SELECT FROM {name} LIMIT 1"):
                found.add(name.removeprefix("public."))
    return found


OF_A_SIDE = {"resource_version", "handoff", "ledger_event", "deadline"}
OF_A_SIDE |= {f"{READER}.resource_version", f"{READER}.handoff"}
SEEN_BY = {
    "a": OF_A_SIDE | {"audit_event", f"{READER}.audit_event", "request_record"},
    "b": OF_A_SIDE | {"notification", "subscriber_counter"},
    "c": set(),
    "*": set(),
    "": set(),
}


@pytest.mark.parametrize("tenant", SEEN_BY)
def test_of_every_table_that_there_is_a_tenant_sees_its_own(
    full: PostgresStore, relations: list[str], tenant: str
) -> None:
    with driver_as(full._readers, tenant) as driver:
        assert seen(driver, relations) == SEEN_BY[tenant]


def test_a_connection_that_was_told_nothing_shows_nothing(store: PostgresStore, relations: list[str]) -> None:
    everything_kept(store)
    clinic = version({"resourceType": "Organization", "id": "b", "name": "B"}, public=True)
    store.commit(WriteSet("register", resources=[clinic]))
    with driver_of(store._readers) as driver:
        assert driver.rows("SELECT current_user, session_user") == [(READER, OWNER)]
        assert seen(driver, relations) == set()
        driver.run("RESET ROLE")
        assert driver.rows("SELECT current_user") == [(READER,)]


def test_who_reads_changes_nothing(full: PostgresStore, relations: list[str]) -> None:
    changes = [
        *(f"DELETE FROM {name}" for name in relations),
        *(f"INSERT INTO {name} DEFAULT VALUES" for name in relations),
        "UPDATE resource_version SET readers = '{c}'",
        "UPDATE public.resource_version SET readers = '{c}'",
        "UPDATE handoff SET readers = '{c}'",
        "SELECT * FROM public.resource_version FOR UPDATE",
        "CREATE TABLE public.mine (n int)",
        f"CREATE TABLE {READER}.mine (n int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql RETURN 1",
        "ALTER TABLE public.handoff DISABLE ROW LEVEL SECURITY",
    ]
    for change in changes:
        with pytest.raises(InsufficientPrivilege), driver_as(full._readers, "a") as driver:
            driver.run(change)


def test_the_adapters_own_role_changes_no_table_and_takes_nothing_from_the_trail(store: PostgresStore) -> None:
    for change in (
        *("DELETE FROM resource_version", "DELETE FROM audit_event", "UPDATE ledger_event SET actor = 'x'"),
        *("DELETE FROM request_record", "DROP TABLE handoff", "ALTER TABLE handoff NO FORCE ROW LEVEL SECURITY"),
    ):
        with pytest.raises(InsufficientPrivilege), driver_of(store.engine) as driver:
            driver.run(change)


# Whose connection it is


def kept_for(tenants: list[str], store: PostgresStore) -> None:
    """A Patient for each, found by the same identifier."""
    for tenant in tenants:
        tree = patient(f"of-{tenant}", identifier=[{"system": "urn:mrn", "value": "same"}])
        store.commit(WriteSet(tenant, resources=[version(tree, author=tenant)]))


def ids_without_predicate(store: PostgresStore, tenant: str) -> list[str]:
    page = forgetful(store, tenant).search(search_query("identifier=urn:mrn|same", "Patient"))
    return [stored.key.id for stored in page.matches]


def test_many_threads_of_many_tenants_share_few_connections_and_never_a_row(database_url: str) -> None:
    """No predicate stands before row-level security here, and every fifth statement fails in some way."""
    store = open_store(database_url, pool_size=3)
    kept_for(TENANTS, store)

    def asks(seed: int) -> int:
        chance = random.Random(seed)
        answers = 0
        for _ in range(150):
            tenant = chance.choice(TENANTS)
            if chance.random() < 0.2:
                with suppress(psycopg.Error, ZeroDivisionError), store.reading_as(tenant)() as driver:
                    if chance.random() < 0.5:
                        driver.rows("SELECT 1 / 0")
                    driver.rows("SELECT 1")
                    raise ZeroDivisionError
            if chance.random() < 0.1:
                store.system_reader().read(ResourceKey("Patient", "nobody"))
            assert ids_without_predicate(store, tenant) == [f"of-{tenant}"]
            answers += 1
        return answers

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(asks, range(8))) == 8 * 150
    store.close()


def test_a_statement_that_fails_leaves_no_doubt_whose_connection_it_is(database_url: str) -> None:
    """The server undoes what it was told together with a first statement that failed; so it is told again."""
    store = open_store(database_url, pool_size=1)
    kept_for(["x", "y"], store)
    for first, then in (("x", "y"), ("y", "x"), ("x", "x"), ("y", "y")):
        assert ids_without_predicate(store, first) == [f"of-{first}"]
        with pytest.raises(psycopg.Error), store.reading_as(then)() as driver:
            driver.rows("SELECT 1 / 0")
        assert ids_without_predicate(store, then) == [f"of-{then}"]
        with pytest.raises(psycopg.Error), store.reading_as(then)() as driver:
            driver.rows("SELECT 1 / 0")
        assert ids_without_predicate(store, first) == [f"of-{first}"]
    with pytest.raises(TypeError), store.reading_as("x")() as driver:
        driver.transaction()
    store.close()


def test_a_new_connection_of_a_restarted_server_is_told_anew(postgres: Any, database_url: str) -> None:
    store = open_store(database_url, pool_size=2)
    kept_for(TENANTS, store)
    name = database_url.rpartition("/")[2].partition("?")[0]
    chance = random.Random(7)
    answered = refused = 0
    for number in range(60):
        tenant = chance.choice(TENANTS)
        if number % 6 == 0:
            postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        try:
            assert ids_without_predicate(store, tenant) == [f"of-{tenant}"]
            answered += 1
        except Unavailable:
            refused += 1
    assert answered > 40, refused
    store.close()


def test_a_tenant_is_told_in_the_round_trip_of_its_first_statement_and_not_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(database_url, pool_size=1)
    pipelines = 0
    pipeline = psycopg.Connection.pipeline

    def counted(connection: psycopg.Connection[Any]) -> Any:
        nonlocal pipelines
        pipelines += 1
        return pipeline(connection)

    monkeypatch.setattr(psycopg.Connection, "pipeline", counted)
    for tenant in ("a", "a", "a", "b", "b", "a"):
        store.reader(tenant).read(TASK)
    assert pipelines == 3
    store.close()


def test_keys_are_looked_up_in_their_index_behind_row_level_security(store: PostgresStore) -> None:
    """A policy alone would keep the planner from it: array operators are not LEAKPROOF."""
    keys = {"resource_version": "search_keys && '{1,2}'::bigint[]", "handoff": "correlation && '{m}'::text[]"}
    indexes = {"resource_version": "resource_version_keys", "handoff": "handoff_correlation"}
    for table, condition in keys.items():
        with driver_as(store._readers, "a") as driver:
            through_view = driver.rows(f"EXPLAIN SELECT * FROM {table} WHERE {condition}")
            by_policy = driver.rows(f"EXPLAIN SELECT * FROM public.{table} WHERE {condition}")
        assert indexes[table] in str(through_view)
        assert indexes[table] not in str(by_policy), "if a policy no longer does so, the views can go"
