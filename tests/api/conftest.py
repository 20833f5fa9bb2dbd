"""One house for this room: its tests make resources of their own and search by numbers that nobody else has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from whole_house import WholeHouse, whole_house


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def house(postgres: Any, demo_folder: Path) -> Iterator[WholeHouse]:
    with whole_house(postgres.postgres.url(postgres.clone()), demo_folder, max_body_bytes=2_000_000) as made:
        yield made
