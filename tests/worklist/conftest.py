"""One house for this room, with a handoff that was carried through to the first visit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from played_house import PlayedHouse, played_house


@pytest.fixture(scope="session")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedHouse]:
    with played_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("pages")) as made:
        yield made


@pytest.fixture(scope="session")
def completed(house: PlayedHouse) -> str:
    """The id of a handoff of a person at high risk that was requested, accepted and completed."""
    return house.play("mobile-crisis-to-outpatient/accepted-and-completed")
