"""One scene for this room: it takes longer to set than to play a part in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scene import Scene, set_scene
from whole_house import whole_house


@pytest.fixture(scope="session")
def scene(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with whole_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("demo")) as house:
        yield set_scene(house)
