"""The player tells the truth: a broken expectation fails, a skipped step proves nothing."""

import json
import threading
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
import requests

from adapter.testkit.player import FAILED, OK, SKIPPED, Player
from adapter.testkit.replay import EXIT_BROKEN, EXIT_HELD, EXIT_UNPLAYABLE, replay
from adapter.testkit.report import Printer, held, summary, write_junit
from adapter.testkit.scenario import ScenarioError, load
from adapter.testkit.simulators import SimulatedPartner

TASK = {"resourceType": "Task", "id": "1", "status": "requested"}


def serving(stub, status=200, body=TASK, headers=None):
    stub.respond = lambda method, path, sent, raw: (status, headers or {}, body)


def outcomes(results):
    return [result.outcome for result in results]


def test_a_kept_expectation_is_ok_and_a_broken_one_fails(stub, exchange, scenario_of):
    serving(stub)
    right = {
        "step": "right",
        "as": "a",
        "GET": "Task/1",
        "expect": {"status": 200, "body": {"Task.status": "requested"}},
    }
    wrong = {
        "step": "wrong",
        "as": "a",
        "GET": "Task/1",
        "expect": {"status": 200, "body": {"Task.status": "accepted"}},
    }
    results = Player(exchange).play(scenario_of(right, wrong))
    assert outcomes(results) == [OK, FAILED]
    assert not held(results)
    assert results[1].expected == "Task.status accepted"
    assert results[1].got == "Task.status requested"


def test_a_broken_expectation_makes_replay_exit_with_1(stub, scenario_of, tmp_path, capsys):
    serving(stub)
    step = {"step": "read", "as": "a", "GET": "Task/1", "expect": {"status": 200}}
    script = scenario_of(step).folder / "script.yaml"
    assert replay([script], stub.base_url) == EXIT_HELD
    scenario_of({**step, "expect": {"status": 404}})
    junit = tmp_path / "out" / "junit.xml"
    assert replay([script], stub.base_url, junit) == EXIT_BROKEN
    assert "FAILED" in capsys.readouterr().out
    assert 'failures="1"' in junit.read_text()


def test_a_script_that_cannot_be_played_makes_replay_exit_with_2(stub, tmp_path, capsys):
    assert replay([tmp_path], stub.base_url) == EXIT_UNPLAYABLE
    assert "found none" in capsys.readouterr().out


def test_a_server_that_is_not_there_fails_every_step(exchange, stub, scenario_of):
    stub.close()
    results = Player(exchange).play(
        scenario_of({"step": "read", "as": "a", "GET": "Task/1", "expect": {"status": 200}})
    )
    assert outcomes(results) == [FAILED]


def test_who_acts_sends_its_own_token_and_nobody_sends_none(stub, exchange, scenario_of):
    serving(stub)
    read = {"step": "read", "GET": "Task/1", "expect": {"status": 200}}
    Player(exchange).play(scenario_of({**read, "as": "clinic"}, {**read, "as": "nobody"}))
    sent = [headers.get("Authorization") for _, _, headers, _ in stub.requests]
    assert sent == ["Bearer token-of-clinic", None]


def test_what_a_step_captures_later_steps_use(stub, exchange, scenario_of):
    def respond(method, path, headers, raw):
        if method == "POST":
            return (
                200,
                {},
                {"resourceType": "Bundle", "entry": [{"response": {"location": "http://x/fhir/Task/7/_history/1"}}]},
            )
        return 200, {"ETag": 'W/"4"'}, {"resourceType": "Task", "id": "7"}

    stub.respond = respond
    results = Player(exchange).play(
        scenario_of(
            {"step": "send", "as": "a", "POST": "/", "send": "bundle.json", "expect": {"status": 200},
             "capture": {"task": "entry[0].response.location"}},
            {"step": "accept", "as": "b", "PATCH": "{{task}}", "if-match": "current", "send": "patch.json",
             "expect": {"status": 200, "body": {"Task.id": "{{task.id}}"}}},
            bundle="{}",
            patch='[{"op": "add", "path": "/focus", "value": {"reference": "{{task}}"}}]',
        )
    )  # fmt: skip
    assert outcomes(results) == [OK, OK]
    method, path, headers, raw = stub.requests[-1]
    assert (method, path, headers["If-Match"]) == ("PATCH", "/fhir/Task/7", 'W/"4"')
    assert headers["Content-Type"] == "application/json-patch+json"
    assert json.loads(raw)[0]["value"] == {"reference": "Task/7"}


def test_steps_that_stand_on_a_failed_one_are_skipped_with_a_reason_and_do_not_count_as_passed(
    stub, exchange, scenario_of
):
    serving(stub, status=500)
    results = Player(exchange).play(
        scenario_of(
            {"step": "send", "as": "a", "POST": "/", "send": {}, "expect": {"status": 200}, "capture": {"task": "id"}},
            {"step": "read", "as": "a", "GET": "{{task}}", "expect": {"status": 200}},
        )
    )
    assert outcomes(results) == [FAILED, SKIPPED]
    assert "step 1, which failed" in results[1].reason
    assert "1 skipped" in summary(results)


def test_demo_only_steps_are_skipped_where_the_server_lacks_them(stub, exchange, scenario_of):
    serving(stub)
    results = Player(exchange).play(
        scenario_of(
            {"step": "told", "wait-for-notification": "clinic", "about": "Task/1"},
            {"step": "time", "advance-clock": "PT1H"},
            {"step": "read", "as": "a", "GET": "Task/1", "expect": {"status": 200}},
        )
    )
    assert outcomes(results) == [SKIPPED, SKIPPED, SKIPPED]
    assert not held(results), "skipped steps prove nothing"


def test_a_demo_servers_clock_is_the_scenarios_clock(stub, exchange, scenario_of):
    stub.clock = datetime(2026, 3, 1, 12, tzinfo=UTC)
    serving(stub)
    assert exchange.has_demo_clock()
    read = {"step": "read", "as": "a", "GET": "Task?after={{now}}", "expect": {"status": 200}}
    steps = scenario_of(read, {"step": "time", "advance-clock": "PT36H"}, read)
    assert outcomes(Player(exchange, clock_can_be_advanced=True).play(steps)) == [OK, OK, OK]
    assert [path for _, path, _, _ in stub.requests] == [
        "/fhir/Task?after=2026-03-01T12:00:00+00:00",
        "/fhir/Task?after=2026-03-03T00:00:00+00:00",
    ]
    assert stub.clock == datetime(2026, 3, 3, tzinfo=UTC)


def test_at_once_really_sends_at_once_and_compares_the_answers(stub, exchange, scenario_of):
    meeting = threading.Barrier(3, timeout=5)
    numbers = iter(range(10))

    def respond(method, path, headers, raw):
        meeting.wait()
        return 200, {}, {"resourceType": "Bundle", "id": str(next(numbers))}

    stub.respond = respond
    step = {"step": "race", "as": "a", "POST": "/", "send": {}, "at-once": 3, "request-id": "{{uuid one}}",
            "expect": {"status": 200, "equal-answers": True}}  # fmt: skip
    (result,) = Player(exchange).play(scenario_of(step))
    assert result.outcome == FAILED
    assert result.got == "different answers 3"
    keys = {headers["X-Request-ID"] for _, _, headers, _ in stub.requests}
    assert len(keys) == 1


def test_each_status_counts_winners_and_losers(stub, exchange, scenario_of):
    statuses = iter([200, 412, 412, 200, 200, 412])
    stub.respond = lambda *_: (next(statuses), {}, {})
    step = {
        "step": "race",
        "as": "a",
        "POST": "/",
        "send": {},
        "at-once": 3,
        "expect": {"each-status": [200, 412, 412]},
    }
    player = Player(exchange)
    scenario = scenario_of(step)
    assert outcomes(player.play(scenario) + player.play(scenario)) == [OK, FAILED]


def test_within_waits_for_an_expectation_to_come_true(stub, exchange, scenario_of):
    answers = iter(["requested", "requested", "accepted"])
    stub.respond = lambda *_: (200, {}, {**TASK, "status": next(answers)})
    step = {"step": "read", "as": "a", "GET": "Task/1", "within": 5,
            "expect": {"status": 200, "body": {"Task.status": "accepted"}}}  # fmt: skip
    assert outcomes(Player(exchange).play(scenario_of(step))) == [OK]


def test_a_change_alters_one_element_of_the_file_and_no_digit_of_the_rest(stub, exchange, scenario_of):
    serving(stub)
    step = {"step": "send", "as": "a", "POST": "/", "send": "sample.json", "change": {"status": "done"},
            "expect": {"status": 200}}  # fmt: skip
    Player(exchange).play(scenario_of(step, sample='{"status": "draft", "value": 1.50}'))
    assert stub.requests[-1][3] == b'{"status":"done","value":1.50}'


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"step": "x", "as": "a", "GET": "Task/1"}, "proves nothing"),
        ({"step": "x", "GET": "Task/1", "expect": {"status": 200}}, "who does this"),
        ({"step": "x", "as": "a", "expect": {"status": 200}}, "expected one of GET"),
        ({"step": "x", "as": "a", "GET": "a", "PUT": "b", "expect": {"status": 200}}, "got GET, PUT"),
        ({"step": "x", "as": "a", "GET": "a", "expct": {}}, "got expct"),
        ({"step": "x", "as": "a", "GET": "a", "expect": {"stauts": 200}}, "got stauts"),
        ({"step": "x", "as": "a", "POST": "/", "send": "gone.json", "expect": {"status": 200}}, "gone.json"),
        ({"GET": "a"}, "in a sentence"),
    ],
)
def test_a_script_with_a_mistake_is_refused_with_its_step(scenario_of, step, says):
    with pytest.raises(ScenarioError, match=says) as refused:
        scenario_of(step)
    assert "step 1" in str(refused.value)


def test_a_missing_script_is_named(tmp_path):
    with pytest.raises(OSError):
        load(tmp_path / "script.yaml")


def notification(task, number=1):
    event = [
        {"name": "event-number", "valueString": str(number)},
        {"name": "timestamp", "valueInstant": "2026-03-01T12:00:00Z"},
        {"name": "focus", "valueReference": {"reference": f"http://x/fhir/{task}"}},
    ]
    parameter = [
        {"name": "subscription", "valueReference": {"reference": "http://x/fhir/Subscription/clinic"}},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": "event-notification"},
        {"name": "events-since-subscription-start", "valueString": str(number)},
        {"name": "notification-event", "part": event},
    ]
    entry = {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Parameters", "parameter": parameter},
             "request": {"method": "GET", "url": "x"}, "response": {"status": "200"}}  # fmt: skip
    return {"resourceType": "Bundle", "type": "history", "timestamp": "2026-03-01T12:00:00Z", "entry": [entry]}


def test_a_told_partner_reads_what_it_was_told_about_with_its_own_token(stub, exchange, scenario_of):
    with SimulatedPartner("clinic") as clinic:

        def respond(method, path, headers, raw):
            if method == "POST":
                requests.post(clinic.address, json=notification("Task/1"), headers={"Idempotency-Key": "k"}, timeout=5)
            return 200, {}, TASK

        stub.respond = respond
        results = Player(exchange, {"clinic": clinic}).play(
            scenario_of(
                {"step": "send", "as": "a", "POST": "/", "send": {}, "expect": {"status": 200}},
                {"step": "told", "wait-for-notification": "clinic", "about": "Task/1",
                 "expect": {"status": 200, "times": 1, "body": {"Task.status": "requested"}}},
                {"step": "not told", "wait-for-notification": "clinic", "about": "Task/2", "within": 0.1},
            )
        )  # fmt: skip
    assert outcomes(results) == [OK, OK, FAILED, OK]
    assert stub.requests[-1][2]["Authorization"] == "Bearer token-of-clinic"


def test_a_notification_from_before_the_last_change_does_not_count(stub, exchange, scenario_of):
    with SimulatedPartner("clinic") as clinic:

        def respond(method, path, headers, raw):
            if method == "POST":
                requests.post(clinic.address, json=notification("Task/1"), headers={"Idempotency-Key": "k"}, timeout=5)
            return 200, {}, TASK

        stub.respond = respond
        wait = {"step": "told", "wait-for-notification": "clinic", "about": "Task/1", "within": 0.1}
        results = Player(exchange, {"clinic": clinic}).play(
            scenario_of(
                {"step": "send", "as": "a", "POST": "/", "send": {}, "expect": {"status": 200}},
                wait,
                {"step": "change", "as": "a", "PUT": "Task/1", "send": TASK, "expect": {"status": 200}},
                wait,
                {**wait, "since": "start"},
            )
        )
    assert outcomes(results) == [OK, OK, OK, FAILED, OK, OK]


def test_whatever_comes_is_what_meets_the_expectation_and_not_what_waited_from_before(stub, exchange, scenario_of):
    with SimulatedPartner("clinic") as clinic:

        def respond(method, path, headers, raw):
            if method == "POST":
                for number, task in enumerate(("Task/old", "Task/1"), 1):
                    told = notification(task, number)
                    requests.post(clinic.address, json=told, headers={"Idempotency-Key": task}, timeout=5)
            return (200, {}, TASK) if path.endswith("Task/1") or method == "POST" else (404, {}, None)

        stub.respond = respond
        wait = {"step": "told", "wait-for-notification": "clinic", "within": 0.3, "capture": {"task": "Task"},
                "expect": {"status": 200, "body": {"Task.status": "requested"}}}  # fmt: skip
        results = Player(exchange, {"clinic": clinic}).play(
            scenario_of(
                {"step": "send", "as": "a", "POST": "/", "send": {}, "expect": {"status": 200}},
                wait,
                {"step": "reads", "as": "clinic", "GET": "{{task}}", "expect": {"status": 200}},
                {**wait, "expect": {"status": 200, "body": {"Task.status": "accepted"}}},
            )
        )
    assert outcomes(results) == [OK, OK, OK, FAILED, OK]
    assert "Task.status requested" in results[3].got


def test_an_ill_formed_notification_fails_the_scenario(stub, exchange, scenario_of):
    bad = notification("Task/1")
    del bad["timestamp"]
    with SimulatedPartner("clinic") as clinic:

        def respond(*_):
            requests.post(clinic.address, json=bad, headers={"Idempotency-Key": "k"}, timeout=5)
            return 200, {}, {}

        stub.respond = respond
        results = Player(exchange, {"clinic": clinic}).play(
            scenario_of({"step": "send", "as": "a", "POST": "/", "send": {}, "expect": {"status": 200}})
        )
    assert outcomes(results) == [OK, FAILED]
    assert "Bundle.timestamp" in results[1].got


def test_each_step_is_printed_with_expected_and_got(stub, exchange, scenario_of, capsys):
    serving(stub)
    wrong = {"step": "The clinic reads it", "as": "clinic", "GET": "Task/1",
             "expect": {"status": 200, "body": {"Task.status": "accepted"}}}  # fmt: skip
    Player(exchange, told=Printer()).play(scenario_of(wrong))
    line = capsys.readouterr().out.strip()
    assert line.startswith("FAILED ")
    assert "1. clinic: The clinic reads it | expected: Task.status accepted | got: Task.status requested" in line


def test_junit_has_a_case_per_step(tmp_path, stub, exchange, scenario_of):
    serving(stub)
    results = Player(exchange).play(
        scenario_of(
            {"step": "fine", "as": "a", "GET": "Task/1", "expect": {"status": 200}},
            {"step": "wrong", "as": "a", "GET": "Task/1", "expect": {"status": 404}},
            {"step": "told", "wait-for-notification": "clinic", "about": "Task/1"},
        )
    )
    write_junit(results, tmp_path / "junit.xml")
    whole = ElementTree.parse(tmp_path / "junit.xml").getroot()
    for counted in (whole, whole[0]):
        assert (counted.get("tests"), counted.get("failures"), counted.get("errors")) == ("3", "1", "0")
        assert counted.get("skipped") == "1"
    fine, wrong, told = whole[0]
    assert len(fine) == 0
    assert wrong[0].get("message") == wrong[0].text == "expected status 404; got status 200"
    assert told[0].tag == "skipped"


def test_a_report_can_be_read_whatever_a_server_answers(tmp_path, stub, exchange, scenario_of):
    issue = {"severity": "error", "code": "invalid", "diagnostics": "odd \x08 \ufffe \x1b[31m <&>"}
    stub.respond = lambda *_: (400, {}, {"resourceType": "OperationOutcome", "issue": [issue]})
    step = {"step": "odd", "as": "a", "GET": "Task/1", "expect": {"status": 200}}
    write_junit(Player(exchange).play(scenario_of(step)), tmp_path / "junit.xml")
    failure = ElementTree.parse(tmp_path / "junit.xml").getroot()[0][0][0]
    assert "<&>" in (failure.text or "")
