"""A house whose database the commands of this room look into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from whole_house import WholeHouse, whole_house


@pytest.fixture(scope="module")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHouse]:
    with whole_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("commands")) as made:
        yield made
