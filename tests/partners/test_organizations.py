"""The public view of a partner: valid R4, and nothing in it that is nobody's business."""

from __future__ import annotations

import json

import pytest
from fhir.resources.R4B import get_fhir_model_class

from adapter.demo_partners import demo_partners
from adapter.domain.partner import Channel, Partner
from adapter.partners import from_file
from mappings.canonicals import PARTNER_SYSTEM
from mappings.organization import from_fhir, to_fhir


@pytest.mark.parametrize("partner", demo_partners(), ids=lambda partner: partner.id)
def test_every_public_resource_of_a_demo_partner_is_valid_r4(partner: Partner) -> None:
    for tree in to_fhir(partner):
        model = get_fhir_model_class(tree["resourceType"]).model_validate(tree)
        assert json.loads(model.model_dump_json()) == tree
        assert len(tree["id"]) <= 64


def test_neither_keys_nor_channels_are_published() -> None:
    partner = Partner(
        id="a",
        name="A",
        channels=(Channel("rest-hook", "https://secret.example/hook", headers={"X": "s3cret"}),),
        jwks={"keys": [{"kid": "k3y"}]},
        jwks_url="https://secret.example/jwks",
        endpoints=("https://a.example/fhir",),
    )
    published = json.dumps(to_fhir(partner))
    assert "secret" not in published and "s3cret" not in published and "k3y" not in published
    assert "https://a.example/fhir" in published


def test_an_organization_can_be_found_by_its_id_as_identifier() -> None:
    organization = to_fhir(Partner(id="a", name="A"))[0]
    assert organization["identifier"] == [{"system": PARTNER_SYSTEM, "value": "a"}]


def test_a_disabled_partner_is_published_as_inactive() -> None:
    partner = Partner(id="a", name="A", active=False, endpoints=("urn:x:1",), services=({"id": "s", "name": "S"},))
    organization, service, endpoint = to_fhir(partner)
    assert (organization["active"], service["active"], endpoint["status"]) == (False, False, "off")


@pytest.mark.parametrize("full", [{"capacity": 0}, {"accepting": False}])
def test_a_service_without_places_says_so(full: dict[str, object]) -> None:
    (_, service) = to_fhir(Partner(id="a", name="A", services=({"id": "s", "name": "S", **full},)))
    assert service["notAvailable"] == [{"description": "Takes no new referrals at present"}]


def test_what_is_published_can_be_registered_elsewhere() -> None:
    for partner in demo_partners():
        organization, *others = to_fhir(partner)
        bundle = {"resourceType": "Bundle", "entry": [{"resource": tree} for tree in (organization, *others)]}
        other = from_file(from_fhir(bundle))
        assert (other.id, other.name, other.telecom, other.endpoints) == (
            partner.id,
            partner.name,
            partner.telecom,
            partner.endpoints,
        )
        assert set(other.identifiers) == set(partner.identifiers)
