"""One house for this room: its tests make resources of their own and search by numbers that nobody else has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from whole_house import WholeHouse, whole_house


@pytest.fixture(scope="session")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHouse]:
    folder = tmp_path_factory.mktemp("demo")
    with whole_house(postgres.postgres.url(postgres.clone()), folder, max_body_bytes=2_000_000) as made:
        yield made
