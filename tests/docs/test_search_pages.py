"""docs/api/search.md and search-parameters.md: each form finds what it says, each parameter is understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import pytest
import searches
from whole_house import SENDER, WholeHouse

Tree = dict[str, Any]


@pytest.fixture(scope="module")
def statement(house: WholeHouse) -> Tree:
    return house.nobody.get("metadata").tree  # type: ignore[no-any-return]


def test_every_form_finds_what_the_page_says(
    house: WholeHouse, hold_against: Callable[[str, Mapping[str, str]], None]
) -> None:
    answers = searches.tried(house)
    wrong = [
        (each.request, got.raw[:300])
        for part in answers.values()
        for each, got in part
        if got.status != 200 or not (got.tree.get("entry") or got.tree.get("total"))
    ]
    assert not wrong, "\n".join(map(str, wrong))
    hold_against("search.md", searches.drawn(answers))


def test_every_parameter_of_every_type_is_understood_as_the_page_asks_it(
    house: WholeHouse, statement: Tree, hold_against: Callable[[str, Mapping[str, str]], None]
) -> None:
    found = searches.parameters(statement)
    caller = house.caller(SENDER)
    wrong = []
    for type_, rows in found.items():
        # Together: a parameter that is not understood refuses them all, and says which it is.
        queries = [query.partition("?")[2] for _, query in rows]
        path = f"{'Patient' if type_ == 'Resource' else type_}?{quote('&'.join(queries), safe='?&=/:|.+')}"
        got = caller.send("GET", path, headers={"Prefer": "handling=strict"})
        if got.status != 200 or got.tree["type"] != "searchset":
            wrong.append((path, got.raw[:300]))
    assert not wrong, "\n".join(map(str, wrong))
    hold_against("search-parameters.md", {"parameters": searches.listed(found)})
