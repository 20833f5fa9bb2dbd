"""A script that cannot be played as it is written is refused with its place, and is not played, let alone passed."""

from __future__ import annotations

import pytest
import yaml

from adapter.testkit.scenario import ScenarioError
from adapter.testkit.script_check import load_checked

READ = {"step": "reads", "as": "a", "GET": "Task/1", "expect": {"status": 200}}


def refused(folder, *steps, **top):
    script = folder / "script.yaml"
    script.write_text(yaml.safe_dump({"title": "a typing error", "steps": list(steps), **top}))
    with pytest.raises(ScenarioError) as error:
        load_checked(script)
    assert str(script) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"GET": "{{tsak}}"}, "expected `{{tsak}}` to be captured by an earlier step"),
        ({"GET": "{{now+2H}}"}, "expected `{{now+2H}}` to be captured"),
        ({"send": {"x": [{"y": "{{nobody.id}}"}]}}, "expected `{{nobody.id}}` to be captured"),
        ({"send": "body.json"}, "expected `{{in a file}}` to be captured"),
        ({"expect": {"status": 200, "body": {"Task.owner.reference": "{{owner}}"}}}, "expected `{{owner}}`"),
        ({"expect": {"status": "fine"}}, "expected `status` as a status or a list of them"),
        ({"expect": 200}, "expected `expect` as a mapping"),
        ({"expect": {"status": 200, "body": {"entry[x]": "present"}}}, "expected a path such as"),
        ({"expect": {"status": 200, "body": {"id": {"mtches": "x"}}}}, "expected one of equals, not, contains"),
        ({"expect": {"status": 200, "body": {"id": {"matches": "["}}}}, "expected a regular expression for `id`"),
        ({"expect": {"status": 200, "issues": "body.json"}}, "expected an OperationOutcome in `body.json`"),
        ({"expect": {"status": 200, "issues": [{"expression": "Task"}]}}, "expected `issues` as a file, or a list"),
        ({"headers": ["Prefer"]}, "expected `headers` as a mapping"),
        ({"at-once": "many"}, "expected `at-once` as a number"),
        ({"within": "soon"}, "expected `within` as seconds"),
        ({"capture": {"task": "entry[0"}}, "expected a path such as"),
        ({"GET": "https://elsewhere.example/Task/1"}, "expected an address below the FHIR base"),
    ],
)
def test_a_step_that_cannot_be_meant_is_refused_by_number(tmp_path, change, said):
    (tmp_path / "body.json").write_text('{"id": "{{in a file}}"}')
    assert said in refused(tmp_path, READ, READ | change)
    assert "step 2" in refused(tmp_path, READ, READ | change)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"step": "waits", "advance-clock": "soon"}, "expected a duration such as `PT48H`"),
        ({"step": "ails", "partner": "clinic", "becomes": "tired"}, "expected `becomes` as one of"),
    ],
)
def test_what_no_simulator_can_do_is_refused(tmp_path, step, said):
    assert said in refused(tmp_path, step)


def test_what_is_captured_may_be_used_from_the_next_step_on(tmp_path):
    script = tmp_path / "script.yaml"
    first = READ | {"capture": {"task": "Task.id"}}
    script.write_text(yaml.safe_dump({"title": "fine", "steps": [first, READ | {"GET": "Task/{{task.id}}"}]}))
    assert len(load_checked(script).steps) == 2
    assert "`{{task}}`" in refused(tmp_path, first | {"GET": "{{task}}"})


def test_times_ids_and_addresses_need_no_capture(tmp_path):
    script = tmp_path / "script.yaml"
    made = "{{now-PT2H}} {{today+P1D}} {{start}} {{uuid}} {{uuid first}} {{run}} {{base}} {{endpoint clinic}}"
    script.write_text(yaml.safe_dump({"title": "fine", "steps": [READ | {"headers": {"X": made}}]}))
    assert load_checked(script).steps


def test_a_script_without_a_title_or_with_other_steps_is_refused(tmp_path):
    assert "expected `title` and a list of `steps`" in refused(tmp_path, READ, title="")
    script = tmp_path / "script.yaml"
    script.write_text("title: x\nsteps: hello\n")
    with pytest.raises(ScenarioError, match="a list of `steps`"):
        load_checked(script)
