"""The audit trail and the ledger, chained for each organisation: what is changed, removed, moved or cut off is found.

Writers chain nothing, so they never wait for each other. A worker seals in batches: it takes the rows of transactions
older than the oldest that still runs, so none can turn up later among those sealed, and writes for each row the hash of
its content with the hash before it. The newest hashes are anchored outside the database (`audit_anchor.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from sqlalchemy import Engine

from adapter.storage.connections import Driver, driver_of
from adapter.storage.failures import unavailable_when_down
from adapter.storage.pg_arrays import bigint_literal, text_literal

ONE_AT_A_TIME: Final = 0x7365616C
MOST_ROWS: Final = 5000
"""Rows of one seal, so that none grows beyond what is read at once."""
_HASH: Final = 32


class Trail(NamedTuple):
    """A table that is chained: whose a row is, and all of its content in a form that no setting changes."""

    table: str
    tenant: str
    content: str


TRAILS: Final[Mapping[str, Trail]] = {
    "audit": Trail(
        "audit_event",
        "tenant",
        "id, extract(epoch FROM recorded), tenant, interaction, server, address, request_id, encode(query, 'hex'),"
        " others, patients, entities::text, txid",
    ),
    "ledger": Trail(
        "ledger_event",
        "actor",
        "id, handoff, kind, actor, extract(epoch FROM event_time), extract(epoch FROM recorded_time), status_from,"
        " status_to, detail::text, txid",
    ),
}


class Head(NamedTuple):
    """The end of a chain: the number of its last seal, and the hash of everything up to there."""

    number: int
    hash: bytes


Heads = dict[tuple[str, str], Head]
"""(trail, tenant) → the end of that chain."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first place at which a chain is not as it was sealed; `position` counts rows from 1."""

    trail: str
    tenant: str
    position: int
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """`rows` that were compared with their seals; `waiting` rows that are too new to have one."""

    rows: int
    waiting: int
    flaws: Sequence[Flaw]


class AuditChain:
    """`engine` is `PostgresStore.engine`. All methods raise Unavailable when the database is down."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def seal(self) -> Heads:
        """Seal what can be sealed by now; the heads that moved. Nothing when another worker is at it."""
        with unavailable_when_down(), driver_of(self._engine) as driver, driver.transaction():
            if not driver.rows("SELECT pg_try_advisory_xact_lock($1::bigint)", ONE_AT_A_TIME)[0][0]:
                return {}
            below: int = driver.rows("SELECT handoff_horizon()")[0][0]
            moved: Heads = {}
            for name, trail in TRAILS.items():
                moved |= _seal(driver, name, trail, below)
            return moved

    def verify(self, anchored: Heads, tenant: str | None = None) -> Verified:
        """Compare all, or only what `tenant` did, with the seals and the `anchored` ends."""
        with unavailable_when_down(), driver_of(self._engine) as driver, driver.transaction():
            driver.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return compare(driver, anchored, tenant)


def compare(driver: Driver, anchored: Heads, tenant: str | None = None) -> Verified:
    """Every row with its seal, every seal with the one before it, and the ends with the `anchored` ones."""
    rows, waiting, flaws = 0, 0, []
    for name, trail in TRAILS.items():
        sealed_below = _sealed_below(driver, name)
        newer = f"SELECT count(*) FROM {trail.table} WHERE {trail.tenant} = $1 AND txid >= $2"
        for each in _tenants(driver, name, trail, anchored):
            if tenant is None or each == tenant:
                count, flaw = _verify(driver, name, trail, each, anchored.get((name, each)), sealed_below)
                rows += count
                flaws += [flaw] if flaw else []
                waiting += driver.rows(newer, each, sealed_below)[0][0]
    return Verified(rows, waiting, flaws)


def _seal(driver: Driver, name: str, trail: Trail, below: int) -> Heads:
    sealed_below = _sealed_below(driver, name)
    sql = f"SELECT {trail.tenant}, id, {_digest(trail)} FROM {trail.table} WHERE txid >= $1 AND txid < $2 ORDER BY 1, 2"
    fresh = driver.rows(sql, sealed_below, below)
    if not fresh:
        return {}
    heads = _heads(driver, name, {row[0] for row in fresh})
    for tenant, rows in groupby(fresh, itemgetter(0)):
        head = heads.get((name, tenant), Head(0, genesis(name, tenant)))
        for batch in _batches(list(rows)):
            links = list(_links(head.hash, (digest for _, _, digest in batch)))
            head = Head(head.number + 1, links[-1])
            driver.run(
                "INSERT INTO audit_seal (trail, tenant, number, rows, links) VALUES ($1, $2, $3, $4::bigint[], $5)",
                *(name, tenant, head.number, bigint_literal(id for _, id, _ in batch), b"".join(links)),
            )
        heads[name, tenant] = head
    driver.run("UPDATE audit_horizon SET sealed_below = $2 WHERE trail = $1", name, below)
    return heads


def genesis(trail: str, tenant: str) -> bytes:
    """What the first row of a chain is hashed with: a chain cannot be passed off as another organisation's."""
    return hashlib.sha256(f"{trail}:{tenant}".encode()).digest()


def _links(link: bytes, digests: Iterable[bytes]) -> Iterator[bytes]:
    for digest in digests:
        link = hashlib.sha256(link + digest).digest()
        yield link


def _digest(trail: Trail) -> str:
    return f"sha256(convert_to(ROW({trail.content})::text, 'UTF8'))"


def _batches(rows: Sequence[tuple[str, int, bytes]]) -> Iterator[Sequence[tuple[str, int, bytes]]]:
    for start in range(0, len(rows), MOST_ROWS):
        yield rows[start : start + MOST_ROWS]


def _sealed_below(driver: Driver, name: str) -> int:
    rows = driver.rows("SELECT sealed_below FROM audit_horizon WHERE trail = $1", name)
    return int(rows[0][0]) if rows else 0


def _heads(driver: Driver, name: str, tenants: Iterable[str]) -> Heads:
    sql = """SELECT DISTINCT ON (tenant) tenant, number, substr(links, length(links) - 31) FROM audit_seal
     WHERE trail = $1 AND tenant = ANY($2::text[]) ORDER BY tenant, number DESC"""
    return {(name, tenant): Head(*head) for tenant, *head in driver.rows(sql, name, text_literal(sorted(tenants)))}


def _tenants(driver: Driver, name: str, trail: Trail, anchored: Heads) -> list[str]:
    sql = f"SELECT {trail.tenant} FROM {trail.table} UNION SELECT tenant FROM audit_seal WHERE trail = $1"
    return sorted({tenant for (tenant,) in driver.rows(sql, name)} | {who for kind, who in anchored if kind == name})


def _verify(
    driver: Driver, name: str, trail: Trail, tenant: str, anchor: Head | None, sealed_below: int
) -> tuple[int, Flaw | None]:
    """How many rows were compared, and the first flaw."""
    link, position, number = genesis(name, tenant), 0, 0
    sealed: set[int] = set()

    def flaw(what: str) -> tuple[int, Flaw]:
        return position, Flaw(name, tenant, position, what)

    for found, rows, links in _seals(driver, name, tenant):
        number += 1
        if found != number:
            position += 1
            return flaw(f"seal {number} is missing")
        if None in rows:
            position += 1
            return flaw(f"seal {number} is not what was written")
        content = f"SELECT id, {_digest(trail)} FROM {trail.table} WHERE id = ANY($1::bigint[])"
        digests = dict(driver.rows(content, bigint_literal(rows)))
        for index, id in enumerate(rows):
            position += 1
            if id not in digests:
                return flaw(f"row {id} is missing")
            link = hashlib.sha256(link + digests[id]).digest()
            if id in sealed or link != links[index * _HASH : (index + 1) * _HASH]:
                return flaw(f"row {id}, or its seal, is not what was sealed")
            sealed.add(id)
        if len(links) != len(rows) * _HASH:
            return flaw(f"seal {number} is not what was written")
        if anchor and anchor.number == number and anchor.hash != link:
            return flaw(f"the chain up to seal {number} is not the one whose end was anchored")
    if anchor and anchor.number > number:
        position += 1
        return flaw(f"the end was cut: {anchor.number} seals were anchored, {number} are here")
    unsealed = f"SELECT id FROM {trail.table} WHERE {trail.tenant} = $1 AND txid < $2 ORDER BY id"
    for (id,) in driver.rows(unsealed, tenant, sealed_below):
        if id not in sealed:
            position += 1
            return flaw(f"row {id} has no seal though it is older than the last one")
    return position, None


def _seals(driver: Driver, name: str, tenant: str) -> Iterator[tuple[int, list[int], bytes]]:
    last = None
    sql = """SELECT number, rows, links FROM audit_seal
     WHERE trail = $1 AND tenant = $2 AND ($3::bigint IS NULL OR number > $3) ORDER BY number LIMIT 50"""
    while rows := driver.rows(sql, name, tenant, last):
        for row in rows:
            yield row[0], row[1], row[2]
        last = rows[-1][0]
