"""The matrix notices a leak: one path at a time is made to see everything, and the attempts that take it must say so.

A leak reads as the adapter itself does. That takes away the predicate in the SQL and, with the role under which the
adapter works, the row-level security behind it: either alone would still keep the path shut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import test_borrowed_names
from matrix import answers, told_apart
from scene import FORMER, Scene, beside_fhir, interactions, searches
from test_bait import CLINIC, bait

from adapter.api import subscription
from adapter.storage import audit_search, reads, search, transitions
from adapter.storage.access import EVERYTHING, Access
from adapter.storage.connections import Driver, driver_of
from adapter.storage.reads import PostgresReader
from adapter.storage.sql import Values, all_of


@dataclass(frozen=True)
class Seam:
    """How anything of the storage is read without regard to who asks."""

    scene: Scene

    @property
    def reader(self) -> PostgresReader:
        return self.scene.house.house.store.system_reader()

    @contextmanager
    def driver(self) -> Iterator[Driver]:
        with driver_of(self.scene.house.house.store.engine) as driver:
            yield driver


Seed = Callable[[Seam, pytest.MonkeyPatch], None]


def _of(method: str) -> Seed:
    """A way of reading that asks for nobody's rights."""

    def seed(seam: Seam, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(PostgresReader, method, lambda _, *a, **k: original(seam.reader, *a, **k))

    original = getattr(PostgresReader, method)
    return seed


def _with_access(module: Any, function: str) -> Seed:
    """A function of the storage that takes a driver and an access, called with another."""
    original = getattr(module, function)

    def seed(seam: Seam, patch: pytest.MonkeyPatch) -> None:
        def leaking(_: Driver, __: Any, *rest: Any, **more: Any) -> Any:
            with seam.driver() as driver:
                return original(driver, EVERYTHING, *rest, **more)

        patch.setattr(module, function, leaking)

    return seed


def _chains(seam: Seam, patch: pytest.MonkeyPatch) -> None:
    """What lies at the other end of a chain or a `_has` is looked for among everything."""

    def rows(type: str, criterion: Any, columns: str, limit: int) -> list[tuple[Any, ...]]:
        values = Values()
        with seam.driver() as driver:
            where = all_of(search._conditions(driver, EVERYTHING, type, [criterion], values))
            found = driver.rows(f"SELECT {columns} FROM resource_version r WHERE {where} LIMIT {limit}", *values.bound)
        return list(found)

    for name in ("keys_at_the_end_of", "ids_pointed_at"):
        original = getattr(search, name)
        patch.setattr(search, name, lambda criterion, _, original=original: original(criterion, rows))


def _totals(seam: Seam, patch: pytest.MonkeyPatch) -> None:
    """The page is right, and its total counts what others have."""
    original = PostgresReader.search

    def counting(self: PostgresReader, query: Any) -> Any:
        page = original(self, query)
        return page if page.total is None else replace(page, total=original(seam.reader, query).total)

    patch.setattr(PostgresReader, "search", counting)


def _request_keys(seam: Seam, patch: pytest.MonkeyPatch) -> None:
    """A request key is looked up whoever used it."""

    def of_anybody(driver: Driver, tenant: str, key: str) -> Any:
        with seam.driver() as everything:
            found = everything.rows("SELECT tenant FROM request_record WHERE key = $1", key)
            return original(everything, found[0][0], key) if found else None

    original = reads.request_record_of
    patch.setattr(reads, "request_record_of", of_anybody)


def _both(*seeds: Seed) -> Seed:
    def sow(seam: Seam, patch: pytest.MonkeyPatch) -> None:
        for seed in seeds:
            seed(seam, patch)

    return sow


@dataclass(frozen=True)
class Leak:
    seed: Seed
    noticed_by: tuple[str, ...]
    """Labels of attempts; each of them must notice, on one type at least."""
    among: str = "interactions"
    asking: str = "perinatal-clinic"
    """Not the one that takes part in the matrix: what it writes and reads while a leak is open stays on record."""


LEAKS = {
    "read": Leak(
        _of("read"), ("read", "head", "read unless it is version 1", "read in a transaction", "all in a batch")
    ),
    "vread": Leak(_of("read_version"), ("vread", "vread, head", "all in a batch")),
    "history": Leak(_of("history_page"), ("history", "history, counted", "history in pages")),
    "search": Leak(
        _of("search"),
        ("search by id", "search by id, posted", "search by id and total", "search by id, count",
         "search by id and follow", "search in a transaction", "all in a batch"),
    ),
    "search by value": Leak(
        _of("search"), ("token", "string", "date", "uri", "reference", "chain by id"), "searches"
    ),
    "include": Leak(_with_access(search, "included_with"), ("include",), "of its own"),
    "chain": Leak(_chains, ("chain",), "of its own"),
    "total": Leak(_totals, ("search by id and total", "search by id, count")),
    "criteria": Leak(
        _of("match"),
        ("conditional patch", "conditional delete of another version", "conditional reference",
         "conditional patch by number", "conditional reference by number", "conditional create by number"),
    ),
    "reference": Leak(
        _of("read_many"),
        ("reference from a create", "reference to a version", "reference from a transaction", "absolute reference",
         "update", "patch", "patch that tests", "delete of another version", "fhirpath patch"),
    ),
    # Whatever shows a handoff reads its Task too: either alone would show nothing.
    "handoff": Leak(_both(_of("handoff"), _of("read")), ("handoff",), "beside"),
    "transitions": Leak(_with_access(transitions, "of_tasks"), ("transitions",), "beside"),
    "transition": Leak(_with_access(transitions, "read"), ("transition", "transition, vread"), "beside"),
    "audit trail": Leak(_with_access(audit_search, "_rows"), ("audit",), "beside"),
    "worklist": Leak(_of("open_handoffs"), ("worklist", "list in plain JSON"), "lists", asking=FORMER),
    "lists": Leak(
        _of("search"),
        ("search for all", "search for all, count", "search in time", "search in reverse order", "token:missing",
         "sorted by date", "string:contains", "include:iterate"),
        "lists",
    ),
    "type history": Leak(_of("history_page"), ("history of the type", "history of the type since"), "lists"),
}  # fmt: skip

TYPES = frozenset({"Patient", "Task"})


@pytest.mark.parametrize("name", LEAKS)
def test_a_seeded_leak_is_noticed(scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    leak = LEAKS[name]
    labels = leak.noticed_by if leak.among == "lists" else ()
    lists = {r: label for r, label in scene.labels.items() if label in labels and _of_types(r.path)}
    expected = answers(scene.house.caller(leak.asking), lists, scene.between_others)
    leak.seed(Seam(scene), monkeypatch)
    if leak.among == "lists":
        got = answers(scene.house.caller(leak.asking), lists, scene.between_others)
        noticed = [f"{label}: {r.path}" for r, label in lists.items() if got[r] != expected[r]]
    else:
        noticed = _noticed(scene, leak)
    assert [label for label in leak.noticed_by if not any(each.startswith(f"{label}: ") for each in noticed)] == []


def _noticed(scene: Scene, leak: Leak) -> list[str]:
    foreign = scene.between_others
    if leak.among == "of its own":
        return _noticed_by_bait(scene)
    made = {
        "interactions": lambda: interactions(scene.statement, foreign, TYPES),
        "searches": lambda: searches(scene.statement, foreign, TYPES),
        "beside": lambda: beside_fhir(foreign, audit=True),
    }[leak.among]()
    return told_apart(
        scene.house.caller(leak.asking), [attempt for attempt in made if attempt.label in leak.noticed_by], foreign
    )


def _of_types(path: str) -> bool:
    return path.startswith(("/", "Measure", *(f"{type_}{mark}" for type_ in TYPES for mark in "?/")))


def _noticed_by_bait(scene: Scene) -> list[str]:
    """Includes and chains start from what one may see: from a resource of one's own that points at the foreign one."""
    task, patient, clinic = bait(scene), scene.between_others.id("Patient"), scene.house.caller(CLINIC)
    followed = clinic.get(f"Task?_id={task}&_include=Task:patient").raw
    chained = clinic.get(f"Task?_id={task}&patient:Patient._id={patient}").raw
    found = []
    if scene.between_others.mark.text.encode() in followed:
        found.append("include: Task")
    if b'"entry"' in chained:
        found.append("chain: Task")
    return found


def test_without_the_predicate_row_level_security_still_holds(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either of the two is enough by itself."""
    monkeypatch.setattr(Access, "resources", lambda access, values: "true")
    monkeypatch.setattr(Access, "handoffs", lambda access, values: "true")
    foreign, few = scene.between_others, frozenset({"Patient", "ServiceRequest", "Task"})
    for attempts in (interactions(scene.statement, foreign, few), beside_fhir(foreign, audit=True)):
        assert told_apart(scene.third, attempts, foreign) == []


def test_the_subscription_of_another_is_noticed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "_own", lambda face, told, _, id_: subscription._standing(face, told, id_))
    with pytest.raises(AssertionError):
        test_borrowed_names.test_the_subscription_of_another_is_none(scene, "/$status")


def test_a_request_key_of_another_is_noticed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    _request_keys(Seam(scene), monkeypatch)
    with pytest.raises(AssertionError):
        test_borrowed_names.test_a_request_key_is_each_organisations_own(scene)
