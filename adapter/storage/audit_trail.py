"""The audit trail: one row a request that wrote or disclosed something, with references and nothing else of a person.

A write's row is part of the statement that writes (`write_set_sql.py`), so there is no write without one; that
of a disclosure is inserted before the answer is given. `audit_search.py` reads them, `audit_chain.py` seals them.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, Final

import orjson

from adapter.domain.origin import INTERNAL, Origin
from adapter.storage.pg_arrays import text_literal
from adapter.use_cases.ports import NewVersion, StoredResource, WriteSet
from mappings.audit_event import AuditEntity, Restricted, RestrictedEntity
from mappings.interaction import INTERACTION_CODES

INSERT: Final = """INSERT INTO audit_event
 (tenant, interaction, server, address, request_id, query, others, patients, entities)
 VALUES (%(audit_tenant)s, %(audit_interaction)s, %(audit_server)s, %(audit_address)s, %(audit_request_id)s,
  %(audit_query)s::bytea, %(audit_others)s::text[], %(audit_patients)s::text[], %(audit_entities)s::json)"""

_REFERENCE: Final = b'"reference":"Patient/'
_ID: Final = frozenset((string.ascii_letters + string.digits + "-.").encode())


def written(write_set: WriteSet) -> dict[str, Any] | None:
    """The values of `INSERT` for a write; None when it neither writes a resource nor answers a request."""
    if write_set.origin is None and not write_set.resources:
        return None
    listing = _Listing(write_set.tenant)
    for version in write_set.resources:
        listing.add(version, _change(version))
    for stored in write_set.shown:
        listing.add(stored, "R")
    origin = write_set.origin or INTERNAL
    if not write_set.resources and origin.interaction in INTERACTION_CODES.values():
        origin = origin.asking("read")  # everything was as it should be, and is only shown
    return listing.values(origin)


def shown(tenant: str, origin: Origin, resources: Sequence[StoredResource]) -> dict[str, Any]:
    """The values of `INSERT` for a disclosure to `tenant`."""
    listing = _Listing(tenant)
    for stored in resources:
        listing.add(stored, "R")
    return listing.values(origin)


def _change(version: NewVersion) -> str:
    return "D" if version.tree is None else "C" if version.version == 1 else "U"


class _Listing:
    def __init__(self, tenant: str):
        self._tenant = tenant
        self._patients: dict[str, int] = {}
        self._others: dict[str, None] = {}
        self._entities: list[AuditEntity | RestrictedEntity] = []

    def add(self, resource: NewVersion | StoredResource, change: str) -> None:
        key = resource.key
        author = None if resource.author == self._tenant else resource.author
        if author is not None:
            self._others[author] = None
        named = _patients_in(resource.body)
        if key.type == "Patient":
            named.add(f"Patient/{key.id}")
        patients = [self._patients.setdefault(patient, len(self._patients)) for patient in sorted(named)]
        entity: AuditEntity = (f"{key.type}/{key.id}/_history/{resource.version}", change, author, patients)
        # What it was labelled, and by whose leave it was shown: for few resources, and so not for all.
        restricted = _restriction_of(resource)
        self._entities.append((*entity, restricted) if restricted else entity)

    def values(self, origin: Origin) -> dict[str, Any]:
        return {
            "audit_tenant": self._tenant,
            "audit_interaction": origin.interaction,
            "audit_server": origin.server,
            "audit_address": origin.address,
            "audit_request_id": origin.request_id,
            # Bytes: whatever was asked is kept, also what the database takes for no text.
            "audit_query": origin.query.encode("utf-8", "surrogatepass") if origin.query is not None else None,
            "audit_others": text_literal(self._others),
            "audit_patients": text_literal(self._patients),
            "audit_entities": orjson.dumps(self._entities).decode(),
        }


def _restriction_of(resource: NewVersion | StoredResource) -> Restricted | None:
    if isinstance(resource, NewVersion):
        kinds = frozenset(restriction.kind for restriction in resource.restrictions)
        return {"kinds": sorted(kinds)} if kinds else None
    if not resource.restricted_kinds:
        return None
    consents = {"consents": list(resource.basis.consents)} if resource.basis is not None else {}
    return {"kinds": sorted(resource.restricted_kinds), **consents}


def _patients_in(body: bytes) -> set[str]:
    """The patients that a resource refers to, wherever: whoever gets it learns something about each of them.

    Bodies are our own compact JSON, so looking for the bytes is enough, and costs a microsecond."""
    found: set[str] = set()
    at = body.find(_REFERENCE)
    while at != -1:
        start = at + len(_REFERENCE)
        end = body.find(b'"', start)
        id = body[start:end].partition(b"/")[0]
        if 0 < len(id) <= 64 and _ID.issuperset(id):
            found.add(f"Patient/{id.decode()}")
        at = body.find(_REFERENCE, end)
    return found
