"""What the package defines is read here by every partner, under the canonical that Tasks name it by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from whole_house import THIRD, Caller, WholeHouse, whole_house

from adapter.published import TYPES, definitions
from adapter.use_cases.publish_pathways import publish_pathways
from mappings.canonicals import BASE, FACT_SYSTEM


@pytest.fixture(scope="module")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHouse]:
    with whole_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("demo")) as made:
        publish(made, *TYPES)
        yield made


@pytest.fixture
def partner(house: WholeHouse) -> Caller:
    return house.caller(THIRD)


def publish(house: WholeHouse, *types: str) -> int:
    world = house.house.world
    return publish_pathways(world.store, world.pathways, world.clock.now(), definitions(*types))


def test_the_words_of_a_task_are_found_by_their_canonical(partner: Caller) -> None:
    assert partner.search(f"CodeSystem?url={FACT_SYSTEM}") == ["CodeSystem/handoff-fact"]
    codes = {concept["code"] for concept in partner.get("CodeSystem/handoff-fact").tree["concept"]}
    assert {"live-contact", "named-recipient"} <= codes
    assert partner.search(f"StructureDefinition?url={BASE}/StructureDefinition/responsible") == [
        "StructureDefinition/responsible"
    ]


@pytest.mark.parametrize("type_", TYPES)
def test_everything_of_a_type_is_read_as_the_package_has_it(partner: Caller, type_: str) -> None:
    expected = definitions(type_)
    assert expected
    for tree in expected:
        read = partner.get(f"{type_}/{tree['id']}").tree
        assert {**read, "meta": None} == {**tree, "meta": None}


def test_nothing_is_written_twice_and_what_is_gone_is_retired(house: WholeHouse, partner: Caller) -> None:
    assert publish(house, *TYPES) == 0
    without_shapes = [type_ for type_ in TYPES if type_ != "StructureDefinition"]
    assert publish(house, *without_shapes) == len(definitions("StructureDefinition"))
    assert partner.get("StructureDefinition/responsible").tree["status"] == "retired"
    assert publish(house, *TYPES) == len(definitions("StructureDefinition"))


def test_nobody_changes_what_is_published(partner: Caller) -> None:
    tree = partner.get("CodeSystem/handoff-fact").tree
    assert partner.put("CodeSystem/handoff-fact", tree, **{"If-Match": 'W/"1"'}).status == 403
