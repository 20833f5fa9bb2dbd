"""Simulated partners misbehave as asked, keep what they are told, and notice what a strict receiver would notice."""

import time

import pytest
import requests

from adapter.testkit.notifications import read_notification
from adapter.testkit.simulators import SimulatedPartner

MESSAGE = {
    "resourceType": "Bundle",
    "type": "message",
    "entry": [
        {"resource": {"resourceType": "MessageHeader", "id": "m1", "eventCoding": {"code": "x"},
                      "focus": [{"reference": "http://x/fhir/Task/3"}]}}
    ],
}  # fmt: skip


def notification(task="Task/1", number=1, timestamp="2026-03-01T12:00:00Z", context=(), subscription="clinic"):
    event = [
        {"name": "event-number", "valueString": str(number)},
        {"name": "timestamp", "valueInstant": timestamp},
        {"name": "focus", "valueReference": {"reference": f"http://x/fhir/{task}"}},
        *({"name": "additional-context", "valueReference": {"reference": f"http://x/fhir/{c}"}} for c in context),
    ]
    parameter = [
        {"name": "subscription", "valueReference": {"reference": f"http://x/fhir/Subscription/{subscription}"}},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": "event-notification"},
        {"name": "events-since-subscription-start", "valueString": str(number)},
        {"name": "notification-event", "part": event},
    ]
    entry = {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Parameters", "parameter": parameter},
             "request": {"method": "GET", "url": "x"}, "response": {"status": "200"}}  # fmt: skip
    return {"resourceType": "Bundle", "type": "history", "timestamp": timestamp, "entry": [entry]}


@pytest.fixture
def clinic():
    with SimulatedPartner("clinic") as partner:
        yield partner


def send(partner, body, key="k1", path="/notify", timeout=5):
    return requests.post(partner.address + path, json=body, headers={"Idempotency-Key": key}, timeout=timeout)


def faults(partner):
    return [fault.text for fault in partner.inbox.faults]


def test_a_notification_is_kept_and_found_by_what_it_is_about(clinic):
    assert send(clinic, notification("Communication/9", context=["Task/1"])).status_code == 200
    assert clinic.inbox.wait_for("Task/1", 0, 1).about == "Task/1"
    assert clinic.inbox.wait_for("Communication/9", 0, 1) is not None
    assert clinic.inbox.wait_for("Task/2", 0, 0.05) is None
    assert faults(clinic) == []


def test_a_repetition_with_the_same_key_is_one_event(clinic):
    send(clinic, notification())
    send(clinic, notification())
    assert len(clinic.inbox.told_about("Task/1")) == 1
    assert faults(clinic) == []


def test_another_content_under_the_same_key_is_a_fault(clinic):
    send(clinic, notification("Task/1"))
    send(clinic, notification("Task/2"))
    assert faults(clinic) == ["expected one content per idempotency key, got two"]


def test_a_delivery_without_a_key_is_a_fault(clinic):
    requests.post(clinic.address, json=notification(), timeout=5)
    assert faults(clinic) == ["expected an Idempotency-Key header on every delivery, got none"]


def test_events_of_one_handoff_out_of_order_are_a_fault_and_those_of_two_are_not(clinic):
    send(clinic, notification("Task/1", 5), "a")
    send(clinic, notification("Task/2", 4), "b")
    assert faults(clinic) == []
    send(clinic, notification("Task/1", 3), "c")
    assert faults(clinic) == ["expected the events of one handoff in order, got number 3 after 5"]


def test_each_subscription_counts_for_itself(clinic):
    send(clinic, notification("Task/1", 5), "a")
    send(clinic, notification("Task/1", 1, subscription="another"), "b")
    assert faults(clinic) == []


def test_down_refuses_connections_and_up_listens_on_the_same_address(clinic):
    address = clinic.address
    clinic.become("down")
    with pytest.raises(requests.ConnectionError):
        send(clinic, notification())
    clinic.become("up")
    assert clinic.address == address
    assert send(clinic, notification()).status_code == 200


def test_down_also_ends_connections_that_were_kept_open(clinic):
    with requests.Session() as session:
        assert session.post(clinic.address, json=notification(), timeout=5).status_code == 200
        clinic.become("down")
        with pytest.raises(requests.ConnectionError):
            session.post(clinic.address, json=notification(), timeout=5)


def test_error_3_answers_500_three_times_and_keeps_none_of_them(clinic):
    clinic.become("error 3")
    assert [send(clinic, notification()).status_code for _ in range(4)] == [500, 500, 500, 200]
    assert len(clinic.inbox.receipts) == 1


def test_slow_answers_after_that_time(clinic):
    clinic.become("slow 0.3")
    began = time.monotonic()
    assert send(clinic, notification()).status_code == 200
    assert time.monotonic() - began >= 0.3


def test_silent_has_processed_it_and_never_says_so(clinic):
    clinic.become("silent")
    with pytest.raises(requests.Timeout):
        send(clinic, notification(), timeout=0.3)
    clinic.become("up")
    send(clinic, notification())
    assert len(clinic.inbox.told_about("Task/1")) == 1


def test_a_behaviour_that_it_does_not_know_is_refused(clinic):
    with pytest.raises(ValueError, match="up, down, slow, error, silent"):
        clinic.become("moody")


def test_to_a_message_the_answer_is_a_message(clinic):
    answer = send(clinic, MESSAGE, path="/fhir/$process-message").json()
    assert answer["type"] == "message"
    assert answer["entry"][0]["resource"]["response"] == {"identifier": "m1", "code": "ok"}
    assert clinic.inbox.told_about("Task/3")


def test_what_is_neither_notification_nor_message_is_a_fault(clinic):
    send(clinic, {"resourceType": "Patient"})
    assert faults(clinic) == ["expected a notification or message Bundle, got something else"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda b: b.pop("timestamp"), "Bundle.timestamp"),
        (lambda b: b.update(entry=[]), "Bundle.entry[0]"),
        (lambda b: b["entry"][0].pop("fullUrl"), "fullUrl"),
        (lambda b: b["entry"][0].pop("response"), "bdl-3"),
        (lambda b: b["entry"][0]["resource"]["parameter"].pop(0), "`subscription`"),
        (lambda b: b["entry"][0]["resource"]["parameter"].pop(3), "events-since-subscription-start"),
        (lambda b: b["entry"][0]["resource"]["parameter"][2].update(valueCode="news"), "`type`"),
        (lambda b: b["entry"][0]["resource"]["parameter"][1].update(valueCode="well"), "`status`"),
        (lambda b: b["entry"][0]["resource"]["parameter"].pop(4), "notification-event"),
        (lambda b: b["entry"][0]["resource"]["parameter"][4]["part"].pop(0), "event-number"),
    ],
)
def test_a_strict_receiver_names_each_fault_of_a_notification(damage, says):
    bundle = notification()
    damage(bundle)
    _, found = read_notification(bundle)
    assert any(says in fault.text for fault in found)


def test_a_sound_notification_has_no_fault():
    event, found = read_notification(notification("Task/8", 3))
    assert (event.focus, event.number, found) == ("Task/8", 3, [])
