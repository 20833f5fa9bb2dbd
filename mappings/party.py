"""Which registered partner a FHIR reference names: an Organization, or somebody or something that belongs to one.

An organisation is known by its id in the register or by an identifier; never by its name, which two may share.
"""

from __future__ import annotations

from adapter.domain.partner import Directory, Partner
from mappings.references import Resolve, Tree, contained_or

# Where a resource names the organisation that it belongs to.
_ORGANIZATION_ELEMENTS = {
    "PractitionerRole": "organization",
    "HealthcareService": "providedBy",
    "Location": "managingOrganization",
    "Endpoint": "managingOrganization",
    "CareTeam": "managingOrganization",
    "OrganizationAffiliation": "participatingOrganization",
    "Organization": "partOf",
}
_MAX_STEPS = 5


def partner_named_by(element: Tree | None, resolve: Resolve, directory: Directory) -> Partner | None:
    """The partner that a Reference element names, followed through PractitionerRole.organization and the like."""
    return _named_by(element, resolve, directory, _MAX_STEPS)


def _named_by(element: Tree | None, resolve: Resolve, directory: Directory, steps: int) -> Partner | None:
    if not element or steps == 0:
        return None
    reference = element.get("reference")
    if isinstance(reference, str):
        partner_type, _, partner_id = reference.rpartition("/")
        if partner_type.endswith("Organization") and (partner := directory.get(partner_id)):
            return partner
        tree = resolve(reference)
        if tree is not None:
            return _of_resource(tree, resolve, directory, steps)
        if partner := directory.by_endpoint(reference):
            return partner
    return _by_identifiers([element["identifier"]], directory) if "identifier" in element else None


def _of_resource(tree: Tree, resolve: Resolve, directory: Directory, steps: int) -> Partner | None:
    identified = _by_identifiers(tree.get("identifier"), directory)
    if identified is not None:
        return identified
    organization = tree.get(_ORGANIZATION_ELEMENTS.get(tree.get("resourceType", ""), ""))
    if isinstance(organization, list):
        organization = organization[0] if organization else None
    return _named_by(organization, contained_or(tree, resolve), directory, steps - 1)


def _by_identifiers(identifiers: object, directory: Directory) -> Partner | None:
    for identifier in identifiers if isinstance(identifiers, list) else ():
        found = directory.by_identifier(identifier.get("system", ""), identifier.get("value", ""))
        if found is not None:
            return found
    return None
