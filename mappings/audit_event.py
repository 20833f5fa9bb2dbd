"""A row of the audit trail → AuditEvents by IHE Basic Audit Log Patterns (https://profiles.ihe.net/ITI/BALP/).

One event for each patient whom the request was about, as the patterns want it; a request about nobody is one event. A
pattern is claimed where it fits: it knows no transactions, and an organisation that reads what others did with its
resources is not shown what they asked for.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from mappings.emergency import PURPOSE, is_by_emergency
from mappings.security_labels import labels
from mappings.times import format_time

Tree = dict[str, Any]

_BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_REQUEST_ID: Final = {
    "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    "code": "XrequestId",
}
_RESTFUL: Final = "http://hl7.org/fhir/restful-interaction"
_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/dicom-audit-lifecycle"
_TYPES: Final = "http://hl7.org/fhir/resource-types"
_REST: Final = {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"}
_EXPORT: Final = {"system": _DCM, "code": "110106", "display": "Export"}
_ACTIVITY: Final = {"system": _DCM, "code": "110100", "display": "Application Activity"}
_DISCLOSE: Final = {"system": "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "code": "disclose"}
_SOURCE: Final = {"system": _DCM, "code": "110153", "display": "Source Role ID"}
_DESTINATION: Final = {"system": _DCM, "code": "110152", "display": "Destination Role ID"}
_APPLICATION: Final = {"system": _DCM, "code": "110150", "display": "Application"}
_CUSTODIAN: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
    "code": "custodian",
    "display": "Custodian",
}
_LIFECYCLES: Final = {"C": "1", "U": "3", "D": "14", "R": "6"}


class Kind(NamedTuple):
    """What an interaction is in an AuditEvent. `balp` is the pattern for one resource (or one search); the client is
    the source of what is asked or sent, except where it reads."""

    type: Tree
    subtype: Tree | None
    action: str
    balp: str | None = None
    client: Tree = _SOURCE
    server: Tree = _DESTINATION


def _restful(code: str) -> Tree:
    return {"system": _RESTFUL, "code": code}


_READ: Final = Kind(_REST, _restful("read"), "R", "Read", _DESTINATION, _SOURCE)
_OPERATION: Final = Kind(_REST, _restful("operation"), "E")
KINDS: Final[Mapping[str, Kind]] = {
    "create": Kind(_REST, _restful("create"), "C", "Create"),
    "update": Kind(_REST, _restful("update"), "U", "Update"),
    "patch": Kind(_REST, _restful("patch"), "U", "Update"),
    "delete": Kind(_REST, _restful("delete"), "D", "Delete", _APPLICATION, _CUSTODIAN),
    "read": _READ,
    "vread": _READ._replace(subtype=_restful("vread")),
    "history-instance": _READ._replace(subtype=_restful("history-instance"), balp=None),
    "history-type": _READ._replace(subtype=_restful("history-type"), balp=None),
    "search-type": Kind(_REST, _restful("search-type"), "E", "Query"),
    "transaction": Kind(_REST, _restful("transaction"), "E"),
    "repeat": _READ._replace(balp=None),
    "notify": Kind(_EXPORT, _DISCLOSE, "R", "PrivacyDisclosure.Source", _DESTINATION, _SOURCE),
    "internal": Kind(_ACTIVITY, None, "E"),
    "$": _OPERATION,
}
"""Interaction of a row → what it is; `$` stands for every operation."""


AuditEntity = tuple[str, str, str | None, Sequence[int]]
"""Versioned reference; C, U or D for what was written and R for what was shown; author, None where it is the actor;
the positions of its patients in the row's list."""
Restricted = Mapping[str, Sequence[str]]
"""`kinds` of restriction that it came under, and the `consents` by which it was shown: `Consent/id`, or in an emergency
the `Communication/id` that documents it."""
RestrictedEntity = tuple[str, str, str | None, Sequence[int], Restricted]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One request, as it lies in the trail."""

    id: int
    recorded: datetime
    tenant: str
    interaction: str
    server: str | None
    address: str | None
    request_id: str | None
    query: bytes | None
    patients: Sequence[str]
    entities: Sequence[AuditEntity | RestrictedEntity]

    @property
    def parts(self) -> list[int]:
        """Numbers, from 1, of the events that this row is: one for each patient in it."""
        named = {position + 1 for entity in self.entities for position in entity[3]}
        if not self.entities or any(not entity[3] for entity in self.entities):
            named.add(1)
        return sorted(named)

    def about(self, part: int) -> list[AuditEntity | RestrictedEntity]:
        """What one of `parts` is about: the resources of its patient; the first has those of nobody as well."""
        return [e for e in self.entities if part - 1 in e[3] or (part == 1 and not e[3])]

    def patient(self, part: int) -> str | None:
        """`Patient/id` of one of `parts`."""
        named = any(part - 1 in entity[3] for entity in self.entities)
        return self.patients[part - 1] if named else None

    def seen_by(self, tenant: str) -> AuditRow:
        """What an organisation may see of it: everything that it did, and else what was done with its resources."""
        if tenant == self.tenant:
            return self
        own = [entity for entity in self.entities if entity[2] == tenant]
        return replace(self, entities=own, query=None, request_id=None)


def to_fhir(row: AuditRow, part: int) -> Tree:
    """The AuditEvent of one of `row.parts`; `row` as its reader may see it."""
    kind, patient, about = KINDS.get(row.interaction, _OPERATION), row.patient(part), row.about(part)
    entities = _data(kind, about)
    if row.query is not None:
        entities.append(_query(row.query))
    if patient:
        entities.append({"what": {"reference": patient}, "type": _coded(_ENTITY_TYPE, "1"), "role": _coded(_ROLE, "1")})
    if row.request_id:
        entities.append({"what": {"identifier": {"value": row.request_id}}, "type": _REQUEST_ID})
    profile = _profile(row, kind, patient, len(about))
    server = {"identifier": {"value": row.server or "urn:handoff-adapter"}, "display": "Handoff Adapter"}
    tree: Tree = {
        "resourceType": "AuditEvent",
        "id": f"{row.id}-{part}",
        "meta": {"versionId": "1", "lastUpdated": format_time(row.recorded)}
        | ({"profile": [profile]} if profile else {}),
        "type": kind.type,
        "subtype": [kind.subtype],
        "action": kind.action,
        "recorded": format_time(row.recorded),
        "outcome": "0",
        "agent": _agents(row, kind, server),
        "source": {
            "observer": server,
            "type": [{"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4"}],
        },
        "entity": entities,
    }
    if any(map(is_by_emergency, _bases(about))):
        tree["purposeOfEvent"] = [{"coding": [PURPOSE]}]
    if kind.subtype is None:
        del tree["subtype"]
    if not entities:
        del tree["entity"]
    return tree


def _data(kind: Kind, about: Sequence[AuditEntity | RestrictedEntity]) -> list[Tree]:
    entities = []
    for index, (reference, change, _, _, *restricted) in enumerate(about):
        # The patterns have one System Object: the resource, or the query. What stands beside it is named by its type.
        alone = kind.balp is None or (index == 0 and kind.balp != "Query")
        entity: Tree = {
            "what": {"reference": reference},
            "type": _coded(_ENTITY_TYPE, "2") if alone else _coded(_TYPES, reference.partition("/")[0]),
            "role": _coded(_ROLE, "4"),
        }
        if kind.balp is None or index > 0:
            entity["lifecycle"] = _coded(_LIFECYCLE, _LIFECYCLES[change])
        if restricted:
            entity["securityLabel"] = labels(restricted[0]["kinds"])
        entities.append(entity)
    return [*entities, *(_basis(consent) for consent in _bases(about))]


def _bases(about: Sequence[AuditEntity | RestrictedEntity]) -> list[str]:
    bases = (consent for each in about if len(each) > 4 for consent in each[4].get("consents", ()))
    return list(dict.fromkeys(bases))


def _basis(reference: str) -> Tree:
    """A Consent by which something was shown, or what documents the emergency."""
    type_ = reference.partition("/")[0]
    return {"what": {"reference": reference}, "type": _coded(_TYPES, type_), "role": _coded(_ROLE, "13")}


def _query(query: bytes) -> Tree:
    return {
        "type": _coded(_ENTITY_TYPE, "2"),
        "role": _coded(_ROLE, "24"),
        "query": base64.b64encode(query).decode(),
    }


def _agents(row: AuditRow, kind: Kind, server: Tree) -> list[Tree]:
    by_itself = row.interaction == "internal"
    client: Tree = {
        "type": {"coding": [kind.client]},
        "who": server if by_itself else {"reference": f"Organization/{row.tenant}"},
        "requestor": row.interaction != "notify",
    }
    if row.address:
        client["network"] = {"address": row.address, "type": "5" if "://" in row.address else "2"}
    if by_itself:
        return [client]
    here: Tree = {"type": {"coding": [kind.server]}, "who": server, "requestor": row.interaction == "notify"}
    if row.server:
        here["network"] = {"address": row.server, "type": "5"}
    return [client, here]


def _profile(row: AuditRow, kind: Kind, patient: str | None, data: int) -> str | None:
    if kind.balp is None or not (row.address and row.server):
        return None
    if kind.balp == "Query":
        fits = row.query is not None
    elif kind.balp.startswith("Privacy"):
        return f"{_BALP}{kind.balp}" if patient else None
    else:
        fits = data > 0
    return f"{_BALP}{'Patient' if patient else ''}{kind.balp}" if fits else None


def _coded(system: str, code: str) -> Tree:
    return {"system": system, "code": code}
