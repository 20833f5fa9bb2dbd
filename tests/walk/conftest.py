"""One running server for this room; its tests send people of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running_house import RunningHouse, running_house


@pytest.fixture(scope="session")
def running() -> Iterator[RunningHouse]:
    with running_house() as house:
        yield house
