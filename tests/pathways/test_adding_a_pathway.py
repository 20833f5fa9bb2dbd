"""A pathway is one file and its samples: the worked example of the docs, loaded, played, proved and published."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from played_house import PlayedHouse, played_house
from whole_house import SENDER, THIRD

from adapter.pathways import load_pathways
from adapter.use_cases.publish_pathways import publish_pathways

HERE = Path(__file__).parent
NAME = "peer-support-introduction"
FILE = HERE / "added" / f"{NAME}.yaml"
OWN = HERE.parents[1] / "profiles" / "pathways"
DOCS = HERE.parents[1] / "docs" / "adding-a-pathway.md"


@pytest.fixture(scope="module")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedHouse]:
    folder = tmp_path_factory.mktemp("added")
    files = folder / "pathways"
    shutil.copytree(OWN, files)
    shutil.copy(FILE, files)
    url = postgres.postgres.url(postgres.clone())
    with played_house(url, folder, pathways=load_pathways(files)) as made:
        yield made


def test_one_file_more_is_one_pathway_more(house: PlayedHouse) -> None:
    assert set(house.house.world.pathways) - set(load_pathways()) == {NAME}


def test_a_handoff_of_it_runs_from_request_to_completion_with_evidence(house: PlayedHouse) -> None:
    task = house.play(HERE / "added" / NAME / "introduced-and-met")
    document = house.caller(SENDER).get(f"Task/{task}/$evidence").tree
    verdicts = {
        r["resource"]["validationProcess"][0]["coding"][0]["code"]: r["resource"]["status"]
        for r in document["entry"]
        if r["resource"]["resourceType"] == "VerificationResult"
    }
    assert verdicts == {
        f"{NAME}.request.preferred-contact": "validated",
        f"{NAME}.request.handoff-method": "validated",
        f"{NAME}.request.introduced-not-referred": "validated",
        f"{NAME}.accept.recipient-clinician": "validated",
        f"{NAME}.complete.first-contact-attended": "validated",
        f"{NAME}.evidence.somebody-answered": "validated",
    }


def test_it_is_published_like_the_others(house: PlayedHouse) -> None:
    publish_pathways(house.house.store, house.house.world.pathways, house.house.clock.now())
    assert house.caller(THIRD).get(f"PlanDefinition/{NAME}").tree["title"] == "Introduction to peer support"


def test_the_docs_show_the_file_that_is_tried_here() -> None:
    shown = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert FILE.read_text() in shown
