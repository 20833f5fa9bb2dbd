"""A house whose clock goes on when a test says so, and a clinic for substance use disorders that sends from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapter.app import create_app
from tests.consent.records import Clinic
from tests.small_house import StillClock
from tests.whole_house import whole_house


@pytest.fixture(scope="module")
def clinic(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with postgres.fresh_database() as url, whole_house(url, Path(tmp_path_factory.mktemp("house"))) as made:
        clock = StillClock()
        house = made.house
        store = house.store.at(clock.now)
        house = replace(house, store=store, world=replace(house.world, store=store, clock=clock))
        yield Clinic(replace(made, house=house, app=create_app(house)), clock)
