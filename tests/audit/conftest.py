"""One house for this room; what a test looks for in the trail it knows by the ids of its own resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from whole_house import WholeHouse, whole_house


@pytest.fixture(scope="module")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHouse]:
    with whole_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("demo")) as made:
        yield made


@pytest.fixture
def rows(house: WholeHouse) -> Callable[[], list[Any]]:
    """The rows of the trail that were written since the last call, oldest first."""
    seen = [0]

    def since() -> list[Any]:
        with house.house.store.engine.connect() as connection:
            found = connection.execute(text("SELECT * FROM audit_event WHERE id > :id ORDER BY id"), {"id": seen[0]})
            fresh = list(found)
        seen[0] = max([seen[0], *(row.id for row in fresh)])
        return fresh

    since()
    return since
