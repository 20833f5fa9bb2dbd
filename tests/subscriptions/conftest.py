"""A house that is subscribed to: of its own or shared, with a worker or without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from subscribed_house import SubscribedHouse, a_house, working


@pytest.fixture
def idle(postgres: Any, tmp_path: Path) -> Iterator[SubscribedHouse]:
    """A house of its own, without a worker."""
    with a_house(postgres, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def quiet(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubscribedHouse]:
    """One house without a worker, for what is decided while a request is answered."""
    with a_house(postgres, tmp_path_factory.mktemp("quiet")) as made:
        yield made


@pytest.fixture(scope="session")
def busy(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubscribedHouse]:
    """One house whose worker runs; what others do there happens to no Subscription of a test that filters."""
    with a_house(postgres, tmp_path_factory.mktemp("busy")) as made, working(made, made.house.database_url):
        yield made
