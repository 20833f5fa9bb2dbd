"""What leaders see: the same numbers as in a MeasureReport, for whom care is weaker, and what needs a decision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from web_page import WebPage
from whole_house import RECEIVER, SENDER, THIRD, WholeHouse, whole_house

from adapter.use_cases.check_deadlines import check_deadlines

PAGE = {"Accept": "text/html"}
OTHER = "case-management"


@pytest.fixture(scope="module")
def counted(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHouse]:
    """Five handoffs that one recipient accepted, and five that another has not answered."""
    with whole_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("governance")) as house:
        for _ in range(5):
            begun = house.begin(owner=RECEIVER)
            assert house.caller(RECEIVER).move(begun.task, "accepted").status == 200
            house.begin(owner=OTHER)
        yield house


def look(house: WholeHouse, partner: str = SENDER, query: str = "", status: int = 200) -> WebPage:
    got = house.caller(partner).get(f"/governance{query}", **PAGE)
    assert got.status == status, got.raw[:500]
    page = WebPage(got.raw.decode())
    assert page.faults() == []
    return page


def test_every_measure_is_shown_with_what_it_counts(counted: WholeHouse) -> None:
    page = look(counted)
    outcomes = page.table("Handoffs required, completed and failed")
    assert outcomes[0] == ["Handoffs requested in the period.", "everybody", "10", "0"]
    assert page.table("Acceptance rate") == [["everybody", "50.0 % (5 of 10)", "0"]]
    assert "Counted: Handoffs that were accepted." in page.said
    assert page.table("Repeat crisis episodes")[0][2] == "none to count"
    assert page.table("Missed first appointments")[0][1] == "none to count"


def test_the_page_says_for_whom_care_is_weaker_without_being_asked_where_to_look(counted: WholeHouse) -> None:
    recipient = "recipient: " + counted.house.register.directory().get(OTHER).name  # type: ignore[union-attr]
    weaker = look(counted).table("For whom care is weaker")
    assert [recipient, "Acceptance rate", "0.0 % (0 of 5)", "50.0 % (5 of 10)"] in weaker
    assert [row for row in weaker if "Outpatient" in row[0]] == []


def test_a_table_is_split_by_what_is_asked_for(counted: WholeHouse) -> None:
    rows = look(counted, query="?by=recipient").table("Acceptance rate")
    assert [row[:2] for row in rows][1:] == [
        [counted.house.register.directory().get(OTHER).name, "0.0 % (0 of 5)"],  # type: ignore[union-attr]
        ["Riverside Outpatient Clinic", "100.0 % (5 of 5)"],
    ]


def test_a_small_number_is_withheld_here_as_well(counted: WholeHouse) -> None:
    counted.begin(owner=THIRD)
    rows = look(counted, query="?by=recipient").table("Acceptance rate")
    assert "withheld" in [row[1] for row in rows]
    assert not any("of 1)" in row[1] for row in rows)


def test_only_the_days_that_are_asked_for_are_counted(counted: WholeHouse) -> None:
    page = look(counted, query="?from=2020-01-01&to=2020-12-31&by=")
    assert page.table("Acceptance rate")[0][1] == "none to count"
    chosen = {box.attributes["name"]: box.attributes["value"] for box in page.all("input")}
    assert chosen == {"from": "2020-01-01", "to": "2020-12-31"}


@pytest.mark.parametrize("query", ["?from=yesterday", "?to=2026-13-01", "?by=name", "?from=2026-02-01&to=2026-01-01"])
def test_what_cannot_be_counted_is_a_page_that_says_why(counted: WholeHouse, query: str) -> None:
    assert "expected" in look(counted, query=query, status=400).said


def test_each_organisation_sees_its_own(counted: WholeHouse) -> None:
    assert look(counted, "perinatal-clinic").table("Acceptance rate")[0][1] == "none to count"
    assert look(counted, RECEIVER).table("Acceptance rate")[0][1] == "100.0 % (5 of 5)"


def test_whoever_may_not_search_people_learns_nothing_of_them_in_sum(counted: WholeHouse) -> None:
    narrow = counted.caller(SENDER, "system/Measure.rs system/Task.rs")
    assert narrow.get("/governance", **PAGE).status == 403


def test_what_nobody_answered_waits_for_a_decision(postgres: Any, tmp_path: Path) -> None:
    with whole_house(postgres.postgres.url(postgres.clone()), tmp_path) as house:
        begun = house.begin()
        house.house.clock.advance(timedelta(days=20))  # type: ignore[union-attr]
        while check_deadlines(house.house.world):
            pass
        page = look(house)
        assert len(page.table("Flagged for review")) == 1
        assert f"/handoffs/{begun.id}" in [link.attributes["href"] for link in page.all("a")]
        assert look(house, "perinatal-clinic").table("Flagged for review") == []
