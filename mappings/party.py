"""Which registered partner a FHIR reference names: an Organization, or somebody or something that belongs to one.

An organisation is known by its id in the register or by an identifier; never by its name, which two may share.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapter.domain.partner import Directory, Partner
from mappings.references import RELATIVE, Resolve, Tree, contained_or

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


def partner_named_by(
    element: Tree | None, resolve: Resolve, directory: Directory, roles: Iterable[Tree] = ()
) -> Partner | None:
    """The partner that a Reference element names, followed through PractitionerRole.organization and the like; a
    Practitioner through the `roles` (PractitionerRoles) at hand, if all of those lead to the same partner."""
    found = _named_by(element, resolve, directory, _MAX_STEPS)
    if found is not None or not element or not roles:
        return found
    reference = element.get("reference")
    held = [role for role in roles if reference and (role.get("practitioner") or {}).get("reference") == reference]
    employers = {p.id: p for role in held if (p := _of_resource(role, contained_or(role, resolve), directory, 4))}
    return next(iter(employers.values())) if len(employers) == 1 else None


def _named_by(element: Tree | None, resolve: Resolve, directory: Directory, steps: int) -> Partner | None:
    if not element or steps == 0:
        return None
    reference = element.get("reference")
    if isinstance(reference, str):
        tree = resolve(reference)
        # What was sent under this address says by its identifiers whom it means: the sender's Organization/1 need not
        # be ours. An Organization of another server, which was not sent, says nothing.
        if tree is not None and (identified := _by_identifiers(tree.get("identifier"), directory)):
            return identified
        match = RELATIVE.match(reference)
        if match and match.group(1) == "Organization" and (partner := directory.get(match.group(2))):
            return partner
        if tree is not None:
            return _of_resource(tree, _within(reference, tree, resolve), directory, steps)
        if partner := directory.by_endpoint(reference):
            return partner
    return _by_identifiers([element["identifier"]], directory) if "identifier" in element else None


def _within(reference: str, tree: Tree, resolve: Resolve) -> Resolve:
    """How what stands in `tree` is resolved: in a contained resource, `#…` is contained beside it."""
    return resolve if reference.startswith("#") else contained_or(tree, resolve)


def _of_resource(tree: Tree, resolve: Resolve, directory: Directory, steps: int) -> Partner | None:
    identified = _by_identifiers(tree.get("identifier"), directory)
    if identified is not None:
        return identified
    organization = tree.get(_ORGANIZATION_ELEMENTS.get(tree.get("resourceType", ""), ""))
    if isinstance(organization, list):
        organization = organization[0] if organization else None
    return _named_by(organization, resolve, directory, steps - 1)


def _by_identifiers(identifiers: object, directory: Directory) -> Partner | None:
    for identifier in identifiers if isinstance(identifiers, list) else ():
        found = directory.by_identifier(identifier.get("system", ""), identifier.get("value", ""))
        if found is not None:
            return found
    return None
