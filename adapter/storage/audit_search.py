"""AuditEvents as they are read: rendered from the rows of the audit trail, each organisation seeing its own part.

https://hl7.org/fhir/R4/auditevent.html#search. It sees what it did, and what others did with resources that it wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from adapter.domain.errors import Invalid, NotSupported
from adapter.storage.access import Access
from adapter.storage.connections import Driver
from adapter.storage.search_keys import interval
from adapter.storage.search_parameters import told
from adapter.storage.sql import Values, all_of
from adapter.use_cases.ports import ResourceKey, SearchPage, SearchQuery, StoredResource
from mappings import audit_event
from mappings.audit_event import KINDS, AuditRow, Kind
from mappings.json_codec import encode

TYPE: Final = "AuditEvent"
PARAMETERS: Final = ("_id", "_lastUpdated", "action", "agent", "date", "entity", "patient", "subtype", "type")

_COLUMNS = "id, recorded, tenant, interaction, server, address, request_id, query, patients, entities"
_ID = re.compile(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,5})")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,39}/[A-Za-z0-9\-.]{1,64}(/_history/[0-9]{1,9})?$")
_DATE = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d.*)")


def read(driver: Driver, access: Access, id: str) -> StoredResource | None:
    place = _ID.fullmatch(id)
    if place is None:
        return None
    row_id, part = int(place[1]), int(place[2])
    for row in _rows(driver, access, lambda values: [f"a.id = {values.bind(row_id)}"], 1):
        if part in row.parts:
            return _stored(row, part, access)
    return None


def search(driver: Driver, access: Access, query: SearchQuery) -> SearchPage:
    """The newest first. Raises NotSupported or Invalid naming the parameter that cannot be used."""
    asked = [(name, value) for name, value in query.parameters if value and not _is_control(name, value)]
    before = _place(query.cursor)

    def conditions(values: Values) -> list[str]:
        return [_condition(name, value, values) for name, value in asked]

    found: list[StoredResource] = []
    for row, part in _parts(driver, access, conditions, before, query.count + 1):
        # The row was chosen by all that it holds; what is found must be in what this organisation may see of it.
        if not all(_holds(name, value, row, part) for name, value in asked):
            continue
        found.append(_stored(row, part, access))
        if len(found) > query.count:
            break
    matches = found[: query.count]
    more = len(found) > query.count and bool(matches)
    total = len(matches) if query.cursor is None and len(found) <= query.count else None
    return SearchPage(matches=matches, included=(), total=total, next_cursor=matches[-1].key.id if more else None)


def _parts(
    driver: Driver,
    access: Access,
    conditions: Callable[[Values], list[str]],
    before: tuple[int, int] | None,
    some: int,
) -> Iterator[tuple[AuditRow, int]]:
    """Every event that is older than the place `before`."""
    last = before
    while True:
        upto = last

        def here(values: Values, upto: tuple[int, int] | None = upto) -> list[str]:
            return [*conditions(values), *([f"a.id <= {values.bind(upto[0])}"] if upto else [])]

        rows = _rows(driver, access, here, some + 1)
        for row in rows:
            for part in row.parts:
                if last is None or (row.id < last[0] or part > last[1]):
                    last = (row.id, part)
                    yield row, part
            last = (row.id, max(row.parts, default=0))
        if len(rows) <= some:
            return


def _rows(driver: Driver, access: Access, conditions: Callable[[Values], list[str]], limit: int) -> list[AuditRow]:
    values = Values()
    where = all_of(conditions(values) or ["true"])
    end = f"ORDER BY a.id DESC LIMIT {values.bind(limit)}"
    if access.tenant is None:
        branches = [f"SELECT {_COLUMNS} FROM audit_event a WHERE {where} {end}"]
    else:
        me = values.bind(access.tenant)
        touched = f"a.others @> ARRAY[{me}::text] AND a.others <> '{{}}'"
        involved = (f"a.tenant = {me}", touched)
        branches = [f"SELECT {_COLUMNS} FROM audit_event a WHERE {who} AND {where} {end}" for who in involved]
    union = " UNION ALL ".join(f"({branch})" for branch in branches)
    found = driver.rows(f"SELECT {_COLUMNS} FROM ({union}) a {end}", *values.bound)
    rows = [AuditRow(*row) for row in found]
    return rows if access.tenant is None else [row.seen_by(access.tenant) for row in rows]


def _holds(name: str, value: str, row: AuditRow, part: int) -> bool:
    if name == "_id":
        return value == f"{row.id}-{part}"
    if name == "patient":
        return row.patient(part) == _reference(value, "Patient")
    if name == "entity":
        reference = _reference(value)
        return row.patient(part) == reference or any(
            e[0] == reference or e[0].startswith(f"{reference}/_history/") for e in row.about(part)
        )
    return True


def _condition(name: str, value: str, values: Values) -> str:
    if name == "_id":
        place = _ID.fullmatch(value)
        return f"a.id = {values.bind(int(place[1]))}" if place else "false"
    if name in {"date", "_lastUpdated"}:
        return _date(name, value, values)
    if name == "agent":
        return f"a.tenant = {values.bind(_reference(value, 'Organization').partition('/')[2])}"
    if name == "patient":
        return f"a.patients @> {values.texts([_reference(value, 'Patient')])}"
    if name == "entity":
        return _entity(value, values)
    if name in {"type", "subtype", "action"}:
        return _of_kind(name, value, values)
    at = name if told(name) == name else "AuditEvent"
    raise NotSupported(f"expected a search parameter of AuditEvent among {', '.join(PARAMETERS)}", expression=at)


def _is_control(name: str, value: str) -> bool:
    """What may be asked and changes nothing; the order is by age anyway."""
    return name in {"_total", "_elements", "_summary"} or (name == "_sort" and value in {"-date", "-_lastUpdated"})


def _date(name: str, value: str, values: Values) -> str:
    """Comparison with the whole period that is named: https://hl7.org/fhir/R4/search.html#date."""
    parsed = _DATE.fullmatch(value)
    try:
        low, high = interval(parsed[2] if parsed else value)
    except ValueError:
        raise Invalid("expected a date like ge2026-03-01, got something else", expression=name) from None
    prefix = (parsed[1] if parsed else None) or "eq"
    if prefix in {"gt", "sa"}:
        return f"a.recorded >= {values.bind(high)}"
    if prefix in {"lt", "eb"}:
        return f"a.recorded < {values.bind(low)}"
    if prefix == "ge":
        return f"a.recorded >= {values.bind(low)}"
    if prefix == "le":
        return f"a.recorded < {values.bind(high)}"
    within = f"(a.recorded >= {values.bind(low)} AND a.recorded < {values.bind(high)})"
    return within if prefix == "eq" else f"NOT {within}"


def _entity(value: str, values: Values) -> str:
    whole = f"{values.bind(_reference(value))}::text"
    return (
        f"({whole} = ANY(a.patients) OR EXISTS (SELECT FROM json_array_elements(a.entities) e"
        f" WHERE e ->> 0 = {whole} OR starts_with(e ->> 0, {whole} || '/_history/')))"
    )


def _of_kind(name: str, value: str, values: Values) -> str:
    """By what each interaction is in an AuditEvent, so that the table of kinds decides and nothing else."""
    codes: list[str] = []
    for each in value.split(","):
        codes += [interaction for interaction, kind in KINDS.items() if _matches(kind, name, each)]
    named = f"a.interaction = ANY({values.texts(codes)})"
    return f"({named} OR starts_with(a.interaction, '$'))" if "$" in codes else named


def _matches(kind: Kind, name: str, value: str) -> bool:
    system, bar, code = value.rpartition("|")
    if name == "action":
        return code == kind.action
    coding = kind.type if name == "type" else kind.subtype
    return coding is not None and code in {coding["code"], ""} and (not bar or system in {coding["system"], ""})


def _reference(value: str, of_type: str | None = None) -> str:
    """`Type/id`, with its version if it was given; "" for what is no reference to a resource of ours."""
    given = f"{of_type}/{value}" if of_type and "/" not in value else value
    found = _REFERENCE.search(given)
    return found[0] if found else ""


def _place(cursor: str | None) -> tuple[int, int] | None:
    if cursor is None:
        return None
    place = _ID.fullmatch(cursor)
    if place is None:
        raise Invalid("expected the paging link as it was given, got another", expression="_cursor")
    return int(place[1]), int(place[2])


def _stored(row: AuditRow, part: int, access: Access) -> StoredResource:
    """It counts as its reader's own: that somebody looked into the trail is no disclosure to others."""
    tree: dict[str, Any] = audit_event.to_fhir(row, part)
    author = access.tenant or row.tenant
    return StoredResource(ResourceKey(TYPE, tree["id"]), 1, author, row.recorded, encode(tree))
