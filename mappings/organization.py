"""Partner ⇄ Organization with its HealthcareServices and Endpoints (https://hl7.org/fhir/R4/organization.html).

Published are identity, telephone numbers, services and the addresses by which messages name a partner. Never published:
keys, scopes, and the channels by which we reach it; those are between the adapter and that partner alone.
"""

from __future__ import annotations

from typing import Any

from adapter.domain.errors import Invalid
from adapter.domain.partner import Directory, Partner
from mappings.canonicals import BASE, PARTNER_SYSTEM

Tree = dict[str, Any]

PUBLISHED_TYPES = frozenset({"Organization", "HealthcareService", "Endpoint"})
COVERAGE_SYSTEM = f"{BASE}/CodeSystem/coverage"
CONNECTION_TYPE_SYSTEM = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
PAYLOAD_TYPE_SYSTEM = "http://terminology.hl7.org/CodeSystem/endpoint-payload-type"


def to_fhir(partner: Partner) -> list[Tree]:
    """The public resources of a partner, the Organization first. Their ids are the partner's, `<partner>.<service>` and
    `<partner>.<number>`: no partner id holds a dot, so that two partners never share an id."""
    services = [_service(partner, service) for service in partner.services]
    endpoints = [_endpoint(partner, number, address) for number, address in enumerate(partner.endpoints, start=1)]
    organization: Tree = {
        "resourceType": "Organization",
        "id": partner.id,
        "identifier": [
            {"system": PARTNER_SYSTEM, "value": partner.id},
            *(
                {"system": i.system, "value": i.value} if i.system else {"value": i.value}
                for i in partner.identifiers
                if i.system != PARTNER_SYSTEM
            ),
        ],
        "active": partner.active,
        "name": partner.name,
    }
    if partner.telecom:
        organization["telecom"] = [{"system": t.system, "value": t.value} for t in partner.telecom]
    if endpoints:
        organization["endpoint"] = [{"reference": f"Endpoint/{endpoint['id']}"} for endpoint in endpoints]
    return [organization, *services, *endpoints]


_kept: dict[str, tuple[Partner, Tree]] = {}


def directory_entry(key: str, directory: Directory) -> Tree | None:
    """The Organization of a registered partner by `Organization/<partner id>`, without asking the database for what the
    register knows; None for any other key. Not to be changed: it is made once for each state of a partner."""
    type_, _, id_ = key.partition("/")
    partner = directory.get(id_) if type_ == "Organization" else None
    if partner is None:
        return None
    kept = _kept.get(id_)
    if kept is None or kept[0] is not partner:
        kept = _kept[id_] = (partner, to_fhir(partner)[0])
    return kept[1]


def is_published(type_: str, id_: str, directory: Directory) -> bool:
    """Whether a key is one of those that `to_fhir` gives to the public resources of partners."""
    return type_ in PUBLISHED_TYPES and directory.get(id_.partition(".")[0]) is not None


def _service(partner: Partner, service: Any) -> Tree:
    tree: Tree = {
        "resourceType": "HealthcareService",
        "id": f"{partner.id}.{service['id']}",
        "active": partner.active,
        "providedBy": {"reference": f"Organization/{partner.id}", "display": partner.name},
        "name": service["name"],
    }
    if "type" in service:
        tree["type"] = [{"text": service["type"]}]
    if service.get("accepted_coverage"):
        tree["eligibility"] = [
            {"code": {"coding": [{"system": COVERAGE_SYSTEM, "code": code}]}} for code in service["accepted_coverage"]
        ]
    if service.get("hours"):
        tree["availableTime"] = [
            {
                "daysOfWeek": list(hours["days"]),
                "availableStartTime": f"{hours['from']}:00",
                "availableEndTime": f"{hours['to']}:00",
            }
            for hours in service["hours"]
        ]
    # R4 has no element for the number of free places: capacity stays in the register, its absence is told in words.
    if not service.get("accepting", True) or service.get("capacity") == 0:
        tree["notAvailable"] = [{"description": "Takes no new referrals at present"}]
    return tree


def _endpoint(partner: Partner, number: int, address: str) -> Tree:
    return {
        "resourceType": "Endpoint",
        "id": f"{partner.id}.{number}",
        "status": "active" if partner.active else "off",
        "connectionType": {"system": CONNECTION_TYPE_SYSTEM, "code": "hl7-fhir-msg"},
        "managingOrganization": {"reference": f"Organization/{partner.id}"},
        "payloadType": [{"coding": [{"system": PAYLOAD_TYPE_SYSTEM, "code": "any"}]}],
        "address": address,
    }


def from_fhir(tree: Tree) -> Tree:
    """A partner file from an Organization, or from a Bundle of one Organization and its Endpoints.

    Raises Invalid when there is not exactly one. The rest is checked like any partner file.
    """
    entries = tree.get("entry", []) if tree.get("resourceType") == "Bundle" else [{"resource": tree}]
    resources = [entry.get("resource", {}) for entry in entries if isinstance(entry, dict)]
    organizations = [resource for resource in resources if resource.get("resourceType") == "Organization"]
    if len(organizations) != 1:
        raise Invalid(f"expected exactly one Organization, got {len(organizations)}", expression="Bundle.entry")
    organization = organizations[0]
    file: Tree = {name: organization[name] for name in ("id", "name", "active") if name in organization}
    file["identifiers"] = [
        {"system": identifier.get("system", ""), "value": identifier.get("value", "")}
        for identifier in organization.get("identifier", [])
    ]
    file["telecom"] = [
        {"system": contact.get("system", ""), "value": contact.get("value", "")}
        for contact in organization.get("telecom", [])
    ]
    file["endpoints"] = [
        resource.get("address", "") for resource in resources if resource.get("resourceType") == "Endpoint"
    ]
    return file
