"""The chains of the audit trail: whatever somebody with every right on the database changes afterwards is found."""

from __future__ import annotations

import hashlib
import itertools
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, RestrictViolation
from small_house import keep_handoff
from sqlalchemy import text

from adapter.domain.origin import Origin
from adapter.storage import PostgresStore
from adapter.storage.audit_anchor import read_anchor, write_anchor
from adapter.storage.audit_chain import TRAILS, AuditChain, Head, Heads, compare, genesis
from adapter.storage.connections import Driver
from adapter.storage.embedded_postgres import SUPERUSER
from adapter.storage.roles import WRITER

TENANTS = ("clinic-a", "clinic-b", "clinic-c")
ASKED = Origin("read", "http://127.0.0.1:8080/fhir", "127.0.0.1", "r-1", "Task?patient=1")
_number = itertools.count()


def something_happens(store: PostgresStore, times: int = 1) -> None:
    for number in itertools.islice(_number, times):
        tenant = TENANTS[number % 3]
        keep_handoff(store, f"h{number}", requester=tenant, owner="receiver")
        store.disclosed(tenant, ASKED, store.system_reader().resources_of(f"h{number}"))


@pytest.fixture
def chain(store: PostgresStore) -> AuditChain:
    return AuditChain(store.engine)


@pytest.fixture
def superuser(postgres: Any, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Whom no trigger stops."""
    name = database_url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(postgres.postgres.url(name, SUPERUSER).replace("+psycopg", "")) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET timezone = 'Asia/Kathmandu'")
        connection.execute("SET extra_float_digits = 0")
        connection.commit()
        yield connection


def edit(db: psycopg.Connection[Any], chance: random.Random) -> None:
    table, change = chance.choice(
        [
            ("audit_event", "tenant = 'clinic-z'"),
            ("audit_event", "interaction = interaction || 'x'"),
            ("audit_event", "recorded = recorded + interval '1 microsecond'"),
            ("audit_event", "patients = patients || 'Patient/other'::text"),
            ("audit_event", "others = others || 'clinic-z'::text"),
            ("audit_event", "entities = '[]'"),
            ("audit_event", "query = coalesce(query, '') || 'x'::bytea"),
            ("audit_event", "address = CASE WHEN address IS NULL THEN '' END"),
            ("ledger_event", "kind = 'handoff:accepted'"),
            ("ledger_event", "event_time = event_time - interval '1 hour'"),
            ("ledger_event", """detail = '{"pathway": "other"}'"""),
            ("ledger_event", "actor = 'clinic-z'"),
        ]
    )
    row = _some_row(db, chance, table)
    db.execute(f"UPDATE {table} SET {change} WHERE id = {row}".encode())


def empty_a_seal(db: psycopg.Connection[Any], chance: random.Random) -> None:
    place = f"trail = 'audit' AND tenant = '{chance.choice(TENANTS)}' AND number = 1"
    db.execute(f"UPDATE audit_seal SET rows[1] = NULL WHERE {place}".encode())


def delete(db: psycopg.Connection[Any], chance: random.Random) -> None:
    table = chance.choice(["audit_event", "ledger_event"])
    db.execute(f"DELETE FROM {table} WHERE id = {_some_row(db, chance, table)}".encode())


def swap_rows(db: psycopg.Connection[Any], chance: random.Random) -> None:
    """Two lines change places: each gets the content of the other."""
    one = _some_row(db, chance, "audit_event")
    other = next(row for row in iter(lambda: _some_row(db, chance, "audit_event"), None) if row != one)
    columns = "recorded, tenant, interaction, server, address, request_id, query, others, patients, entities"
    db.execute(
        f"UPDATE audit_event a SET ({columns}) = (SELECT {columns} FROM audit_event b WHERE b.id ="
        f" CASE a.id WHEN {one} THEN {other} ELSE {one} END) WHERE a.id IN ({one}, {other})".encode()
    )


def swap_seals(db: psycopg.Connection[Any], chance: random.Random) -> None:
    trail, tenant = chance.choice(["audit", "ledger"]), chance.choice(TENANTS)
    chosen = f"trail = '{trail}' AND tenant = '{tenant}'"
    db.execute(f"UPDATE audit_seal SET number = number + 100 WHERE {chosen} AND number = 1".encode())
    db.execute(f"UPDATE audit_seal SET number = 1 WHERE {chosen} AND number = 2".encode())
    db.execute(f"UPDATE audit_seal SET number = 2 WHERE {chosen} AND number = 101".encode())


def swap_within_a_seal(db: psycopg.Connection[Any], chance: random.Random) -> None:
    tenant = chance.choice(TENANTS)
    db.execute(
        f"""UPDATE audit_seal SET rows = ARRAY[rows[2], rows[1]] || rows[3:] WHERE tenant = '{tenant}'
         AND trail = 'audit' AND number = {chance.choice([1, 2, 3])}""".encode()
    )


def cut_the_end(db: psycopg.Connection[Any], chance: random.Random) -> None:
    """Rows and their seals go together, so that what is left is a chain without a flaw."""
    tenant, kept = chance.choice(TENANTS), chance.choice([0, 1, 2])
    last = f"trail = 'audit' AND tenant = '{tenant}' AND number > {kept}"
    db.execute(f"DELETE FROM audit_event WHERE id IN (SELECT unnest(rows) FROM audit_seal WHERE {last})".encode())
    db.execute(f"DELETE FROM audit_seal WHERE {last}".encode())


def put_in(db: psycopg.Connection[Any], chance: random.Random) -> None:
    """A reading that never took place, dated back."""
    db.execute(
        f"""INSERT INTO audit_event (recorded, tenant, interaction, others, patients, entities, txid)
         SELECT recorded, tenant, interaction, others, patients, entities, txid FROM audit_event
         WHERE id = {_some_row(db, chance, "audit_event")}""".encode()
    )


def forge(db: psycopg.Connection[Any], chance: random.Random) -> None:
    """A row is changed and the whole chain computed anew, as this program would: only the anchor tells."""
    tenant = chance.choice(TENANTS)
    changed = "SELECT id FROM audit_event WHERE tenant = %s ORDER BY id LIMIT 1 OFFSET %s"
    forget = f"UPDATE audit_event SET patients = '{{}}' WHERE id = ({changed})"
    db.execute(forget.encode(), [tenant, chance.randint(0, 6)])
    content = TRAILS["audit"].content
    link = genesis("audit", tenant)
    seals = db.execute("SELECT number, rows FROM audit_seal WHERE trail = 'audit' AND tenant = %s ORDER BY 1", [tenant])
    for number, rows in seals.fetchall():
        digest = f"SELECT id, sha256(convert_to(ROW({content})::text, 'UTF8')) FROM audit_event WHERE id = ANY(%s)"
        digests = dict(db.execute(digest.encode(), [rows]).fetchall())
        links = []
        for row in rows:
            link = hashlib.sha256(link + digests[row]).digest()
            links.append(link)
        place = "trail = 'audit' AND tenant = %s AND number = %s"
        db.execute(f"UPDATE audit_seal SET links = %s WHERE {place}".encode(), [b"".join(links), tenant, number])


def _some_row(db: psycopg.Connection[Any], chance: random.Random, table: str) -> int:
    rows = db.execute(f"SELECT id FROM {table} ORDER BY id".encode()).fetchall()
    return int(chance.choice(rows)[0])


TAMPERS: list[Callable[[psycopg.Connection[Any], random.Random], None]] = [
    *(edit, edit, edit, empty_a_seal, delete, swap_rows, swap_seals, swap_within_a_seal, cut_the_end, put_in, forge)
]


def test_a_hundred_tamperings_are_all_found(
    store: PostgresStore, chain: AuditChain, superuser: psycopg.Connection[Any]
) -> None:
    anchored: Heads = {}
    for _ in range(3):
        something_happens(store, 12)
        anchored |= chain.seal()
    while chain.verify(anchored).waiting:  # what others in this cluster write at the same moment delays a seal
        anchored |= chain.seal()
    chance = random.Random(20261121)
    missed = []
    for number in range(100):
        tamper = TAMPERS[number % len(TAMPERS)]
        tamper(superuser, chance)
        found = compare(Driver(superuser), anchored)
        if not found.flaws or any(flaw.position < 1 for flaw in found.flaws):
            missed.append((number, tamper.__name__))
        superuser.rollback()
    assert missed == []
    untouched = compare(Driver(superuser), anchored)
    assert (untouched.flaws, untouched.rows, untouched.waiting) == ([], 36 * 3, 0)


def test_without_an_anchor_a_cut_end_would_not_be_found(
    store: PostgresStore, chain: AuditChain, superuser: psycopg.Connection[Any]
) -> None:
    """Why there is one."""
    anchored: Heads = {}
    for _ in range(3):
        something_happens(store, 6)
        anchored |= chain.seal()
    cut_the_end(superuser, random.Random(1))
    assert compare(Driver(superuser), {}).flaws == []
    (flaw,) = compare(Driver(superuser), anchored).flaws
    assert "the end was cut" in flaw.what


def test_the_first_bad_position_is_told(
    store: PostgresStore, chain: AuditChain, superuser: psycopg.Connection[Any]
) -> None:
    something_happens(store, 12)
    anchored = chain.seal()
    ids = superuser.execute("SELECT id FROM audit_event WHERE tenant = 'clinic-a' ORDER BY id").fetchall()
    for (id,) in ids[4:6]:
        superuser.execute("UPDATE audit_event SET interaction = 'vread' WHERE id = %s", [id])
    (flaw,) = compare(Driver(superuser), anchored).flaws
    assert (flaw.trail, flaw.tenant, flaw.position) == ("audit", "clinic-a", 5)
    assert str(ids[4][0]) in flaw.what
    assert compare(Driver(superuser), anchored, "clinic-b").flaws == []


def test_a_row_that_commits_late_is_sealed_all_the_same(
    store: PostgresStore, chain: AuditChain, superuser: psycopg.Connection[Any]
) -> None:
    """Its number and its transaction are older than those of rows that were sealed long before it was there."""
    superuser.execute("SELECT txid_current()")
    early = superuser.execute("SELECT nextval('audit_event_id_seq')").fetchone()
    something_happens(store, 3)
    anchored = chain.seal()
    assert anchored == {}, "while an older transaction runs, nothing newer is sealed"
    superuser.execute(
        """INSERT INTO audit_event (id, tenant, interaction, others, patients, entities) OVERRIDING SYSTEM VALUE
         VALUES (%s, 'clinic-a', 'read', '{}', '{}', '[]')""",
        early,
    )
    superuser.commit()
    anchored = chain.seal()
    verified = chain.verify(anchored)
    assert (verified.flaws, verified.waiting, verified.rows) == ([], 0, 3 * 3 + 1)


def test_writers_and_sealers_do_not_disturb_each_other(store: PostgresStore, chain: AuditChain) -> None:
    done = threading.Event()
    anchored: Heads = {}
    failures: list[Exception] = []

    def write() -> None:
        try:
            something_happens(store, 30)
        except Exception as error:
            failures.append(error)

    def seal(heads: Heads) -> None:
        try:
            while not done.is_set():
                heads |= chain.seal()
        except Exception as error:
            failures.append(error)

    moved: list[Heads] = [{}, {}]
    writers = [threading.Thread(target=write) for _ in range(4)]
    sealers = [threading.Thread(target=seal, args=(heads,)) for heads in moved]
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    for heads in (*moved, chain.seal()):
        for key, head in heads.items():
            anchored[key] = max(anchored.get(key, Head(0, b"")), head)
    verified = chain.verify(anchored)
    assert failures == []
    assert (verified.flaws, verified.waiting) == ([], 0)
    with store.engine.connect() as connection:
        counted = connection.execute(
            text("SELECT (SELECT count(*) FROM audit_event) + (SELECT count(*) FROM ledger_event)")
        ).scalar_one()
        seals = connection.execute(text("SELECT count(*) FROM audit_seal")).scalar_one()
    assert verified.rows == counted == 4 * 30 * 3
    assert seals > 6, "it was sealed while it was written"


@pytest.mark.parametrize("table", ["audit_event", "audit_seal"])
@pytest.mark.parametrize("change", ["UPDATE {} SET tenant = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_adapter_itself_can_only_append(store: PostgresStore, chain: AuditChain, table: str, change: str) -> None:
    something_happens(store)
    chain.seal()
    for role, refusal in {WRITER: InsufficientPrivilege, "NONE": RestrictViolation}.items():  # NONE: the owner
        with pytest.raises(Exception) as refused, store.engine.begin() as connection:
            connection.execute(text(f"SET LOCAL ROLE {role}"))
            connection.execute(text(change.format(table)))
        assert isinstance(refused.value.orig, refusal)  # type: ignore[attr-defined]


def test_an_anchor_keeps_the_heads_that_did_not_move(tmp_path: Path) -> None:
    file = tmp_path / "far" / "anchor.json"
    assert read_anchor(file) == {}
    write_anchor(file, {("audit", "a"): Head(1, b"\1" * 32), ("ledger", "a"): Head(4, b"\2" * 32)})
    write_anchor(file, {("audit", "a"): Head(2, b"\3" * 32)})
    assert read_anchor(file) == {("audit", "a"): Head(2, b"\3" * 32), ("ledger", "a"): Head(4, b"\2" * 32)}
    assert [p.name for p in file.parent.iterdir()] == ["anchor.json"]
    assert file.stat().st_mode & 0o077 == 0
    file.write_text('["no anchor"]')
    with pytest.raises(ValueError, match=r"anchor\.json"):
        read_anchor(file)
