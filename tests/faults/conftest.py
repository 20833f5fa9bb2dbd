"""Each test has a server of its own, because each breaks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running_house import RunningHouse, running_house


@pytest.fixture
def running() -> Iterator[RunningHouse]:
    with running_house() as house:
        yield house


@pytest.fixture(scope="module")
def lasting() -> Iterator[RunningHouse]:
    """One server for tests that race on it and leave it whole."""
    with running_house() as house:
        yield house
