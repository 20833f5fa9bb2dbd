"""One laboratory for this room: mutants do not hinder each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mutants.laboratory import Laboratory, laboratory


@pytest.fixture(scope="session")
def lab(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    with laboratory(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("demo")) as made:
        yield made
