"""The scenario of docs/consent.md, played over real HTTP between simulated partners."""

from __future__ import annotations

from pathlib import Path

from tests.played_house import played_house


def test_the_scenario_of_part_2_holds(database_url: str, tmp_path: Path) -> None:
    with played_house(database_url, tmp_path) as house:
        house.play("referral/part-2-consent")
