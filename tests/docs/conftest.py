"""One house for this room, and the pages that are drawn on it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from whole_house import WholeHouse, whole_house

DOCS = Path(__file__).parents[2] / "docs" / "api"
DRAW = "DRAW_DOCS" in os.environ


@pytest.fixture(scope="session")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHouse]:
    folder = tmp_path_factory.mktemp("demo")
    with whole_house(postgres.postgres.url(postgres.clone()), folder, max_body_bytes=200_000) as made:
        yield made


@pytest.fixture(scope="session")
def hold_against() -> Callable[[str, Mapping[str, str]], None]:
    """Compares a page with what was drawn for each of its marks; with DRAW_DOCS in the environment, draws it anew."""

    def compare(page: str, drawings: Mapping[str, str]) -> None:
        file = DOCS / page
        text = drawn = file.read_text(encoding="utf-8")
        for name, drawing in drawings.items():
            marks = re.compile(rf"(<!-- drawn: {name}\b[^\n]*\n).*?(<!-- /drawn -->)", re.DOTALL)
            drawn, count = marks.subn(lambda mark, drawing=drawing: f"{mark[1]}{drawing}\n{mark[2]}", drawn)  # type: ignore[misc]
            assert count == 1, f"{page} must hold the marks of `{name}` once"
        if DRAW:
            file.write_text(drawn, encoding="utf-8")
        else:
            assert text == drawn, "run `make docs` and look at what it changed"

    return compare
