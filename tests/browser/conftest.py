"""A real Chromium, and a house with handoffs of every kind to look at with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from looking import Eyes, opened_browser
from played_house import played_house
from playwright.sync_api import Browser
from stage import Scene, set_up


@pytest.fixture(scope="session")
def scene(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with played_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("browser")) as house:
        yield set_up(house)


# Not for the whole session: while Playwright runs, no other room could use asyncio.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def eyes(browser: Browser, scene: Scene) -> Iterator[Eyes]:
    """A visitor at a laptop who is not signed in; whatever the browser complains of in the end fails the test."""
    with Eyes.opened(browser, scene.address) as made:
        yield made
        assert made.complaints == []
