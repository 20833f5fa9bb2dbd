"""Placeholders of sample files: captured references, ids, and times that stand still."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapter.testkit.templates import Unknown, Values, duration

START = datetime(2026, 3, 1, 12, 30, 15, 999, tzinfo=UTC)


@pytest.fixture
def values():
    return Values(START, "http://x/fhir", run="r1")


def test_time_stands_still_until_a_step_moves_it(values):
    assert values.fill_text("{{now}}") == "2026-03-01T12:30:15+00:00"
    values.now += timedelta(hours=48)
    assert values.fill_text("{{now-PT2H}} {{today+P1D}}") == "2026-03-03T10:30:15+00:00 2026-03-04"
    assert values.fill_text("{{start}}") == "2026-03-01T12:30:15+00:00"


def test_a_named_uuid_is_the_same_wherever_it_stands(values):
    first = values.fill_text("{{uuid a}}")
    assert values.fill_json('{"id": "{{uuid a}}"}') == json.dumps({"id": first}).encode()
    assert values.fill_text("{{uuid b}}") != first


def test_a_captured_reference_can_be_taken_apart(values):
    values.captured["task"] = "Task/17"
    assert values.fill_text("{{task}} {{task.id}} {{task.type}} {{run}} {{base}}") == "Task/17 17 Task r1 http://x/fhir"


def test_a_partners_address_is_known_where_it_is_simulated(values):
    known = Values(START, endpoints={"clinic": "http://127.0.0.1:7"})
    assert known.fill_text("{{endpoint clinic}}/told") == "http://127.0.0.1:7/told"
    with pytest.raises(Unknown):
        values.fill_text("{{endpoint clinic}}")


@pytest.mark.parametrize("text", ["{{task}}", "{{run.size}}", "{{now+1 day}}"])
def test_what_nobody_knows_is_named(values, text):
    with pytest.raises(Unknown):
        values.fill_text(text)


def test_a_value_is_escaped_for_the_json_it_stands_in(values):
    values.captured["said"] = 'a "word" \\ here'
    assert json.loads(values.fill_json('{"said": "{{said}}"}')) == {"said": 'a "word" \\ here'}


def test_digits_of_a_sample_are_sent_as_they_are(values):
    assert values.fill_json('{"value": 70.50}') == b'{"value": 70.50}'


@pytest.mark.parametrize(
    ("text", "length"),
    [("PT48H", timedelta(hours=48)), ("P2D", timedelta(days=2)), ("P1DT1H30M5S", timedelta(days=1, seconds=5405))],
)
def test_durations_are_iso_8601(text, length):
    assert duration(text) == length


@pytest.mark.parametrize("text", ["P", "PT", "48H", "P1W", "", "-PT1H"])
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match="PT48H"):
        duration(text)
