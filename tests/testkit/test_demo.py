"""The demo against the real adapter: it says no when an expectation is broken, and leaves nothing running."""

import shutil
from pathlib import Path

import pytest

import sample_bundles
from adapter.config import Settings
from adapter.testkit.demo import play_demo
from adapter.testkit.replay import EXIT_BROKEN, EXIT_HELD
from adapter.testkit.server_process import left_running

SCENARIO = Path(sample_bundles.__file__).parent / "referral" / "two-answers-at-once"


@pytest.fixture
def scenario(tmp_path):
    return shutil.copytree(SCENARIO, tmp_path / "sample_bundles" / "referral" / SCENARIO.name)


def play(tmp_path, scenario):
    exit_code = play_demo(Settings(data_dir=tmp_path / "var"), [scenario], burst_seconds=0.5)
    assert left_running(tmp_path) == []
    assert [path.name for path in (tmp_path / "var" / "demo").iterdir()] == ["server.log"]
    return exit_code


def test_a_demo_whose_expectations_hold_exits_with_0_and_leaves_nothing(tmp_path, scenario, capsys):
    assert play(tmp_path, scenario) == EXIT_HELD
    assert "0 failed, 0 skipped" in capsys.readouterr().out


def test_a_demo_with_one_broken_expectation_exits_with_1(tmp_path, scenario, capsys):
    script = scenario / "script.yaml"
    script.write_text(script.read_text().replace("[200, 412, 412]", "[200, 200, 412]"))
    assert play(tmp_path, scenario) == EXIT_BROKEN
    printed = capsys.readouterr().out
    assert "1 failed" in printed
    assert "expected statuses [200, 200, 412]; got statuses [200, 412, 412]" in printed
