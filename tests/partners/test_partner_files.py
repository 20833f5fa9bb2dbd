"""Partner files: what is read, what is refused, and by which name."""

from __future__ import annotations

import json
import re
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from adapter.demo_partners import DEMO_PARTNERS, demo_key, demo_partners, demo_ports
from adapter.domain.errors import Invalid, Malformed, NotFound
from adapter.domain.partner import Channel, Identifier, Partner, Telecom
from adapter.partners import from_file, read_partner_files, refuse_ambiguous, shown, to_file
from adapter.partners.schema import ChannelSchema, PartnerSchema, ServiceSchema
from mappings.canonicals import PARTNER_SYSTEM

ROOT = Path(__file__).parents[2]
SHORT_RSA = {"kty": "RSA", "kid": "1", "e": "AQAB", "n": "w" * 171}
EC = {**ECKey.generate_key("P-384").as_dict(private=False), "kid": "1"}

WHOLE: dict[str, Any] = {
    "id": "clinic",
    "name": "Clinic",
    "active": False,
    "identifiers": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "9999900001"}, {"system": "", "value": "x"}],
    "telecom": [{"system": "phone", "value": "+1-212-555-0101"}],
    "endpoints": ["https://clinic.example/fhir", "urn:oid:1.2.3", "https://fhir.nhs.uk/Id/dos-service-id|111"],
    "dialect": "bars",
    "channels": [
        {
            "type": "rest-hook",
            "endpoint": "https://clinic.example/hook",
            "payload": "empty",
            "headers": {"X-Key": "s3cret"},
        },
        {"type": "email", "endpoint": "mailto:desk@clinic.example", "payload": "empty"},
    ],
    "jwks": {"keys": [EC]},
    "scopes": ["system/Task.cru", "system/*.rs"],
    "time_zone": "America/New_York",
    "business_days": ["mon", "sat"],
    "business_hours": {"from": "08:30", "to": "18:00"},
    "holidays": "US-CA",
    "alternate_contacts": ["other"],
    "escalation_owner": "other",
    "services": [
        {
            "id": "intake",
            "name": "Intake",
            "type": "FQHC",
            "accepted_coverage": ["medicaid"],
            "capacity": 3,
            "accepting": True,
            "hours": [{"days": ["mon"], "from": "09:00", "to": "12:00"}],
        }
    ],
}


def test_a_whole_file_becomes_a_partner() -> None:
    partner = from_file(WHOLE)
    assert partner.identifiers[0] == Identifier("http://hl7.org/fhir/sid/us-npi", "9999900001")
    assert partner.telecom == (Telecom("phone", "+1-212-555-0101"),)
    assert partner.channels[0] == Channel("rest-hook", "https://clinic.example/hook", "empty", {"X-Key": "s3cret"})
    assert (partner.business_days, partner.business_hours) == ((0, 5), (time(8, 30), time(18)))
    assert (partner.active, partner.dialect, partner.holidays) == (False, "bars", "US-CA")


def test_a_partner_is_the_same_after_it_was_written_and_read() -> None:
    for partner in [from_file(WHOLE), *demo_partners(), from_file({"id": "a", "name": "A"})]:
        assert from_file(json.loads(json.dumps(to_file(partner)))) == partner


def test_the_shortest_file_has_the_defaults_of_the_domain() -> None:
    own = Identifier(PARTNER_SYSTEM, "a")
    assert from_file({"id": "a", "name": "A"}) == Partner(id="a", name="A", identifiers=(own,))


def test_what_is_shown_to_people_hides_the_headers() -> None:
    text = json.dumps(shown(from_file(WHOLE)))
    assert "s3cret" not in text and "(hidden)" in text
    assert "s3cret" not in repr(from_file(WHOLE))


def test_what_is_shown_cannot_be_added_by_mistake_and_so_destroy_a_secret() -> None:
    with pytest.raises(Invalid, match=r"channels\[0\]\.headers: expected the value itself"):
        from_file(shown(from_file(WHOLE)))


def _key(**changes: Any) -> dict[str, Any]:
    return {"keys": [{name: value for name, value in {**EC, **changes}.items() if value is not None}]}


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"id": None}, "Partner.id"),
    "an id with a colon": ({"id": "a:b"}, "Partner.id"),
    "an id with a dot": ({"id": "a.b"}, "Partner.id"),
    "an id with a line break": ({"id": "a\n"}, "Partner.id"),
    "a long id": ({"id": "a" * 41}, "Partner.id"),
    "no name": ({"name": None}, "Partner.name"),
    "a blank name": ({"name": " "}, "Partner.name"),
    "a name with a NUL": ({"name": "A\x00B"}, "Partner.name"),
    "active as text": ({"active": "true"}, "Partner.active"),
    "an unknown field": ({"identifer": []}, "Partner.identifer"),
    "an identifier without value": ({"identifiers": [{"system": "urn:x"}]}, "Partner.identifiers[0].value"),
    "an identifier with a word as system": (
        {"identifiers": [{"system": "npi", "value": "1"}]},
        "Partner.identifiers[0].system",
    ),
    "an identifier twice": ({"identifiers": [{"system": "urn:x", "value": "1"}] * 2}, "Partner.identifiers"),
    "another's id under our system": (
        {"identifiers": [{"system": PARTNER_SYSTEM, "value": "b"}]},
        "Partner.identifiers",
    ),
    "an endpoint that is no URI": ({"endpoints": ["clinic"]}, "Partner.endpoints[0]"),
    "an ftp channel": ({"channels": [{"type": "rest-hook", "endpoint": "ftp://x/"}]}, "Partner.channels[0].endpoint"),
    "a channel without host": (
        {"channels": [{"type": "message", "endpoint": "https:///x"}]},
        "Partner.channels[0].endpoint",
    ),
    "a channel with a wrong port": (
        {"channels": [{"type": "rest-hook", "endpoint": "https://a:99999/"}]},
        "Partner.channels[0].endpoint",
    ),
    "a channel with a password": (
        {"channels": [{"type": "rest-hook", "endpoint": "https://u:p@a.example/"}]},
        "Partner.channels[0].endpoint",
    ),
    "a channel without address": ({"channels": [{"type": "rest-hook"}]}, "Partner.channels[0].endpoint"),
    "a mail channel by http": (
        {"channels": [{"type": "email", "endpoint": "http://x/"}]},
        "Partner.channels[0].endpoint",
    ),
    "an unknown payload": (
        {"channels": [{"type": "rest-hook", "endpoint": "https://a/", "payload": "all"}]},
        "Partner.channels[0].payload",
    ),
    "a header with a line break": (
        {"channels": [{"type": "rest-hook", "endpoint": "https://a/", "headers": {"X": "a\r\nY: b"}}]},
        "Partner.channels[0].headers",
    ),
    "channels that are an object": ({"channels": {}}, "Partner.channels"),
    "a private EC key": ({"jwks": _key(d="x")}, "Partner.jwks"),
    "a private RSA key": (
        {"jwks": {"keys": [{**RSAKey.generate_key(2048).as_dict(private=True), "kid": "1"}]}},
        "Partner.jwks",
    ),
    "a symmetric key": (
        {"jwks": {"keys": [{**OctKey.generate_key().as_dict(private=True), "kid": "1"}]}},
        "Partner.jwks",
    ),
    "a short RSA key": (
        {"jwks": {"keys": [SHORT_RSA]}},
        "Partner.jwks",
    ),
    "a key on another curve": (
        {"jwks": {"keys": [{**ECKey.generate_key("P-256").as_dict(private=False), "kid": "1"}]}},
        "Partner.jwks",
    ),
    "a key without kid": ({"jwks": _key(kid=None)}, "Partner.jwks"),
    "a kid twice": ({"jwks": {"keys": [EC, EC]}}, "Partner.jwks"),
    "a key for encryption": ({"jwks": _key(use="enc")}, "Partner.jwks"),
    "a key for another algorithm": ({"jwks": _key(alg="ES256")}, "Partner.jwks"),
    "half a key": ({"jwks": _key(y=None)}, "Partner.jwks"),
    "no keys": ({"jwks": {"keys": []}}, "Partner.jwks"),
    "keys and their address": ({"jwks_url": "https://a.example/jwks.json"}, "Partner.jwks_url"),
    "a scope of a user": ({"scopes": ["user/Task.r"]}, "Partner.scopes[0]"),
    "an unknown time zone": ({"time_zone": "America/Gotham"}, "Partner.time_zone"),
    "a time zone with a path": ({"time_zone": "../../etc/passwd"}, "Partner.time_zone"),
    "no business day": ({"business_days": []}, "Partner.business_days"),
    "an unknown day": ({"business_days": ["Monday"]}, "Partner.business_days[0]"),
    "hours that run back": ({"business_hours": {"from": "17:00", "to": "09:00"}}, "Partner.business_hours"),
    "half past twenty-four": ({"business_hours": {"from": "09:00", "to": "24:30"}}, "Partner.business_hours.to"),
    "an unknown holiday calendar": ({"holidays": "US-XX"}, "Partner.holidays"),
    "itself as alternate contact": ({"alternate_contacts": ["clinic"]}, "Partner.alternate_contacts"),
    "an unknown coverage": (
        {"services": [{"id": "a", "name": "A", "accepted_coverage": ["gold"]}]},
        "Partner.services[0].accepted_coverage[0]",
    ),
    "a negative capacity": ({"services": [{"id": "a", "name": "A", "capacity": -1}]}, "Partner.services[0].capacity"),
    "capacity as text": ({"services": [{"id": "a", "name": "A", "capacity": "3"}]}, "Partner.services[0].capacity"),
    "a service twice": ({"services": [{"id": "a", "name": "A"}] * 2}, "Partner.services"),
    "an unknown field of a service": (
        {"services": [{"id": "a", "name": "A", "open": True}]},
        "Partner.services[0].open",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_by_the_name_of_its_field(fault: str) -> None:
    changes, where = FAULTS[fault]
    tree = {name: value for name, value in {**WHOLE, **changes}.items() if value is not None}
    with pytest.raises(Invalid) as refused:
        from_file(tree)
    assert [issue.expression for issue in refused.value.issues] == [where]
    assert "expected" in refused.value.issues[0].text


def test_every_fault_of_a_file_is_told_at_once_with_the_name_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    file.write_text(json.dumps([WHOLE, {"id": "b", "time_zone": "x"}]))
    with pytest.raises(Invalid) as refused:
        read_partner_files(file)
    assert [i.expression for i in refused.value.issues] == ["Partner.name", "Partner.time_zone"]
    assert all(issue.text.startswith("two.json[1]: Partner.") for issue in refused.value.issues)


@pytest.mark.parametrize("content", ["{", '{"id": "a", "id": "b", "name": "A"}', ""])
def test_a_file_that_is_no_json_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(content)
    with pytest.raises(Malformed, match=r"broken\.json: expected"):
        read_partner_files(file)


def test_a_private_key_is_refused_loudly_and_not_repeated() -> None:
    private = ECKey.generate_key("P-384").as_dict(private=True)
    with pytest.raises(Invalid, match="it is compromised, make a new pair") as refused:
        from_file({"id": "a", "name": "A", "jwks": {"keys": [{**private, "kid": "1"}]}})
    assert str(private["d"]) not in str(refused.value)


def test_an_organization_resource_is_a_partner_file(tmp_path: Path) -> None:
    organization = {
        "resourceType": "Organization",
        "id": "north",
        "meta": {"profile": ["http://example.org/p"]},
        "text": {"status": "empty"},
        "name": "North Clinic",
        "identifier": [{"use": "official", "system": "http://hl7.org/fhir/sid/us-npi", "value": "9999900099"}],
        "telecom": [{"system": "phone", "use": "work", "value": "+1-212-555-0199"}],
    }
    endpoint = {"resourceType": "Endpoint", "id": "e", "address": "https://north.example/fhir"}
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": organization}, {"resource": endpoint}],
    }
    file = tmp_path / "north.json"
    file.write_text(json.dumps(bundle))
    (partner,) = read_partner_files(file)
    assert (partner.id, partner.name, partner.endpoints) == ("north", "North Clinic", ("https://north.example/fhir",))
    assert partner.identifiers[0].value == "9999900099" and partner.telecom[0].value == "+1-212-555-0199"
    assert from_file(organization) == Partner(**{**_fields(partner), "endpoints": ()})


def _fields(partner: Partner) -> dict[str, Any]:
    return {name: getattr(partner, name) for name in Partner.__dataclass_fields__}


def test_a_bundle_of_two_organizations_is_refused() -> None:
    organization = {"resource": {"resourceType": "Organization", "id": "a", "name": "A"}}
    with pytest.raises(Invalid, match="exactly one Organization, got 2"):
        from_file({"resourceType": "Bundle", "entry": [organization, organization]})


A, B = Partner(id="a", name="A"), Partner(id="b", name="B")
AMBIGUOUS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "one identifier": ([{"identifiers": (Identifier("urn:x", "1"),)}] * 2, "Partner.identifiers[0]"),
    "one endpoint": ([{"endpoints": ("https://x/",)}] * 2, "Partner.endpoints[0]"),
    "one's identifier is the other's endpoint": (
        [{"identifiers": (Identifier("urn:x", "1"),)}, {"endpoints": ("urn:x|1",)}],
        "Partner.endpoints[0]",
    ),
    "an alternate contact that is not there": (
        [{}, {"alternate_contacts": ("a", "c")}],
        "Partner.alternate_contacts[1]",
    ),
    "an escalation owner that is not there": ([{}, {"escalation_owner": "c"}], "Partner.escalation_owner"),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_a_register_in_which_a_handoff_could_go_astray_is_refused(case: str) -> None:
    (first, second), where = AMBIGUOUS[case]
    partners = [Partner(id="a", name="A", **first), Partner(id="b", name="B", **second)]
    with pytest.raises(Invalid) as refused:
        refuse_ambiguous(partners)
    assert [issue.expression for issue in refused.value.issues] == [where]
    assert "partner b" in refused.value.issues[0].text


def test_the_demo_partners_are_those_of_the_contract_and_unambiguous() -> None:
    partners = demo_partners()
    assert tuple(partner.id for partner in partners) == DEMO_PARTNERS and len(partners) == 10
    assert {file.stem for file in (ROOT / "sample_bundles" / "partners").glob("*.json")} == set(DEMO_PARTNERS)
    refuse_ambiguous(partners)
    assert len(set(demo_ports().values())) == 10


def test_every_coverage_has_a_destination_among_the_demo_partners() -> None:
    offered = {code for partner in demo_partners() for s in partner.services for code in s["accepted_coverage"]}
    assert offered == {"insured", "medicaid", "sliding-scale", "uninsured"}


def test_a_demo_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    key = demo_key(tmp_path / "demo-keys", "ob-clinic")
    assert demo_key(tmp_path / "demo-keys", "ob-clinic") == key
    assert ECKey.import_key(key).is_private and key["crv"] == "P-384"
    assert (tmp_path / "demo-keys" / "ob-clinic.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "demo-keys").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("id", ["nobody", "../../etc/passwd", ""])
def test_there_is_no_demo_key_for_anybody_else(tmp_path: Path, id: str) -> None:
    with pytest.raises(NotFound):
        demo_key(tmp_path, id)


@pytest.mark.parametrize("schema", [PartnerSchema, ChannelSchema, ServiceSchema])
def test_every_field_of_a_partner_file_is_documented(schema: type[PartnerSchema]) -> None:
    documented = set(
        re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs" / "partners.md").read_text(encoding="utf-8"), re.M)
    )
    assert set(schema().fields) <= documented
