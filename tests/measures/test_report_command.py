"""`handoff report`: the same numbers on a terminal, over all organisations or for one."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from whole_house import RECEIVER, SENDER, THIRD, WholeHouse

from adapter.cli import main


@pytest.fixture(scope="module")
def asked(house: WholeHouse) -> WholeHouse:
    for _ in range(6):
        house.begin(owner=RECEIVER, sender=SENDER)
    for _ in range(5):
        house.begin(owner=RECEIVER, sender=THIRD)
    return house


def run(house: WholeHouse, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    url = house.house.database_url
    monkeypatch.setenv("HANDOFF_DATABASE_URL", url)
    monkeypatch.setenv("HANDOFF_DATA_DIR", str(house.house.settings.data_dir))
    done = CliRunner().invoke(main, ["report", *arguments])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_it_counts_over_all_organisations_and_for_one(asked: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run(asked, monkeypatch, "--measure", "acceptance-rate", "--by", "initiator")
    assert "acceptance 0.000 initial-population 11 denominator 11 denominator-exclusion 0 numerator 0" in told
    assert f"initiator {SENDER} 0.000 initial-population 6" in told
    own = run(asked, monkeypatch, "--measure", "acceptance-rate", "--by", "initiator", "--partner", SENDER)
    assert "initial-population 6" in own
    assert THIRD not in own


def test_it_prints_every_measure_and_nothing_of_other_days(asked: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run(asked, monkeypatch, "--from", "2020-01-01", "--to", "2020-12-31")
    assert told.startswith("handoffs requested from 2020-01-01 to 2020-12-31")
    assert "(no-follow-up-step)" in told
    assert "initial-population 11" not in told


@pytest.mark.parametrize(("arguments", "text"), [
    (["--measure", "nothing"], "expected a measure of handoff-outcomes"),
    (["--by", "name"], "expected a stratifier of pathway"),
    (["--from", "2026-02-01", "--to", "2026-01-01"], "expected a period that ends after it begins"),
])  # fmt: skip
def test_what_cannot_be_answered_is_said(
    asked: WholeHouse, monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str
) -> None:
    monkeypatch.setenv("HANDOFF_DATABASE_URL", asked.house.database_url)
    monkeypatch.setenv("HANDOFF_DATA_DIR", str(asked.house.settings.data_dir))
    done = CliRunner().invoke(main, ["report", *arguments])
    assert done.exit_code != 0
    assert text in " ".join(done.output.replace("│", "").split())
