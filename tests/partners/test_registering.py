"""Registering: who is in the register has public resources that all partners can read and nobody else wrote."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapter.config import InvalidSettings, Settings, refuse_insecure
from adapter.demo_partners import DEMO_PARTNERS, demo_key, ensure_demo_partners
from adapter.domain.errors import Invalid
from adapter.domain.partner import Channel, Identifier, Partner
from adapter.storage import PostgresStore
from adapter.storage.partner_register import PartnerRegister
from adapter.use_cases.ports import ResourceKey
from adapter.use_cases.register_partner import disable_partner, register_partners
from mappings.json_codec import decode

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CLINIC = Partner(
    id="clinic",
    name="Clinic",
    endpoints=("https://clinic.example/one", "https://clinic.example/two"),
    services=({"id": "intake", "name": "Intake"}, {"id": "group", "name": "Group"}),
    channels=(Channel("rest-hook", "https://clinic.example/hook"),),
)
ORGANIZATION = ResourceKey("Organization", "clinic")


@pytest.fixture
def register(store: PostgresStore) -> PartnerRegister:
    return PartnerRegister(store.engine)


def add(store: PostgresStore, register: PartnerRegister, *partners: Partner) -> None:
    register_partners(store, register, partners, NOW, channel_types={"rest-hook"}, dialects={"base"})


def test_every_partner_can_read_the_public_resources_of_every_other(
    store: PostgresStore, register: PartnerRegister
) -> None:
    add(store, register, CLINIC)
    keys = [
        ORGANIZATION,
        ResourceKey("HealthcareService", "clinic.intake"),
        ResourceKey("HealthcareService", "clinic.group"),
        ResourceKey("Endpoint", "clinic.1"),
        ResourceKey("Endpoint", "clinic.2"),
    ]
    seen = store.reader("somebody-else").read_many(keys)
    assert set(seen) == set(keys)
    assert {resource.author for resource in seen.values()} == {"clinic"}
    body = decode(seen[ORGANIZATION].body)
    assert (body["name"], body["meta"]["versionId"]) == ("Clinic", "1")
    assert body["meta"]["lastUpdated"] == "2026-03-02T12:00:00.000Z"


def test_registering_again_writes_nothing(store: PostgresStore, register: PartnerRegister) -> None:
    for _ in range(3):
        add(store, register, CLINIC)
    assert len(store.reader("clinic").history(ORGANIZATION)) == 1


def test_a_changed_partner_gets_a_new_version_and_what_it_gave_up_is_gone(
    store: PostgresStore, register: PartnerRegister
) -> None:
    add(store, register, CLINIC)
    changed = replace(CLINIC, name="New name", endpoints=CLINIC.endpoints[:1], services=CLINIC.services[:1])
    add(store, register, changed)
    reader = store.reader("somebody-else")
    organization = reader.read(ORGANIZATION)
    assert organization is not None and organization.version == 2
    for gone in (ResourceKey("HealthcareService", "clinic.group"), ResourceKey("Endpoint", "clinic.2")):
        resource = reader.read(gone)
        assert resource is None or resource.deleted
    kept = reader.read(ResourceKey("Endpoint", "clinic.1"))
    assert kept is not None and kept.version == 1
    add(store, register, CLINIC)
    back = reader.read(ResourceKey("Endpoint", "clinic.2"))
    assert back is not None and not back.deleted and back.version == 3


def test_a_disabled_partner_is_inactive_in_both_places(store: PostgresStore, register: PartnerRegister) -> None:
    add(store, register, CLINIC)
    disable_partner(store, register, "clinic", NOW)
    partner = register.directory().get("clinic")
    assert partner is not None and not partner.active
    organization = store.reader("somebody-else").read(ORGANIZATION)
    assert organization is not None and decode(organization.body)["active"] is False


REFUSED = {
    "an unknown channel": replace(CLINIC, channels=(Channel("rest-hok", "https://clinic.example/hook"),)),
    "an unknown dialect": replace(CLINIC, dialect="bar"),
    "an identifier of another": replace(CLINIC, identifiers=(Identifier("urn:x", "1"),)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_partner_that_is_refused_leaves_nothing_behind(
    store: PostgresStore, register: PartnerRegister, case: str
) -> None:
    add(store, register, Partner(id="other", name="Other", identifiers=(Identifier("urn:x", "1"),)))
    with pytest.raises(Invalid, match="partner clinic: expected"):
        add(store, register, REFUSED[case])
    assert register.directory().get("clinic") is None
    assert store.system_reader().read(ORGANIZATION) is None


def test_the_demo_partners_can_be_registered_by_processes_that_start_together(
    store: PostgresStore, tmp_path: Path
) -> None:
    def start(_: int) -> None:
        ensure_demo_partners(store, PartnerRegister(store.engine), tmp_path / "demo-keys", NOW)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(start, range(4)))
    register = PartnerRegister(store.engine)
    assert {partner.id for partner in register.directory()} == set(DEMO_PARTNERS)
    for id in DEMO_PARTNERS:
        assert len(store.reader("ob-clinic").history(ResourceKey("Organization", id))) == 1
        partner, private = register.directory().get(id), demo_key(tmp_path / "demo-keys", id)
        assert partner is not None and partner.jwks is not None
        assert partner.jwks["keys"] == [{name: value for name, value in private.items() if name != "d"}]


def test_demo_partners_listen_where_the_simulators_do_and_stay_disabled(
    store: PostgresStore, register: PartnerRegister, tmp_path: Path
) -> None:
    ensure_demo_partners(store, register, tmp_path, NOW)
    register.disable("ob-clinic")
    ensure_demo_partners(store, register, tmp_path, NOW, ports={"hie-router": 12345})
    router, clinic = register.directory().get("hie-router"), register.directory().get("ob-clinic")
    assert router is not None and clinic is not None
    assert router.channels[0].endpoint == "http://127.0.0.1:12345/$process-message"
    assert clinic.channels[0].endpoint == "http://127.0.0.1:9105/notifications"
    assert not clinic.active


def test_production_refuses_a_register_with_demo_partners(
    store: PostgresStore, register: PartnerRegister, tmp_path: Path
) -> None:
    ensure_demo_partners(store, register, tmp_path, NOW)
    production = Settings(mode="production", data_dir=tmp_path)
    with pytest.raises(InvalidSettings) as refused:
        refuse_insecure(production, register.directory())
    for id in DEMO_PARTNERS:
        assert f"partner {id}: expected a key of its own, got a demo key" in refused.value.problems
