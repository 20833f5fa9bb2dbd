"""A Subscription begins with a handshake, shows that it lives by heartbeats, and ends when its owner wanted."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta

import pytest
from small_house import BREAK, Reply, until
from subscribed_house import Endpoint, SubscribedHouse, extension, kind, number, parameters, subscription, working
from whole_house import RECEIVER

from adapter.delivery.signature import HEADER
from mappings.json_codec import encode


def test_the_endpoint_is_asked_first_and_told_nothing_before_it_has_answered(idle: SubscribedHouse) -> None:
    endpoint = idle.endpoint(lambda request: Reply(delay=0.6))
    id_ = idle.subscribe(subscription(endpoint.url), status="requested")
    before = idle.begin().task
    with working(idle, idle.house.database_url):
        until(lambda: endpoint.received, 10)
        between = idle.begin().task
        assert idle.status_of(id_) == "requested", "the endpoint has not answered yet"
        idle.wait_for(id_, "active")
        after = idle.begin().task
        until(lambda: endpoint.about(after), 10)
    assert endpoint.kinds == ["handshake", "event-notification"]
    assert not endpoint.about(before) and not endpoint.about(between)
    first = parameters(endpoint.received[0].tree)
    assert first["status"]["valueCode"] == "requested"
    assert first["events-since-subscription-start"]["valueString"] == "0"
    assert first["subscription"]["valueReference"]["reference"].endswith(f"/fhir/Subscription/{id_}")
    assert number(endpoint.events[0]) == 1, "what happened before it was active does not count"
    issues = idle.caller(RECEIVER).post("Bundle/$validate", endpoint.received[0].tree).issues
    assert {i["severity"] for i in issues} <= {"information", "warning"}, issues


@pytest.mark.parametrize(("answer", "why"), [
    (Reply(404), "HTTP 404"), (Reply(500), "HTTP 500"), (Reply(302, {"Location": "http://127.0.0.1:1/"}), "HTTP 302"),
    (BREAK, "connection failed or broke off"),
])  # fmt: skip
def test_an_endpoint_that_does_not_agree_leads_to_error_and_a_put_asks_again(
    busy: SubscribedHouse, answer: Reply, why: str
) -> None:
    answers = [answer]
    endpoint = busy.endpoint(lambda request: answers[0])
    id_ = busy.subscribe(subscription(endpoint.url), status="error")
    shown = busy.caller(RECEIVER).get(f"Subscription/{id_}")
    assert shown.tree["error"] == f"the handshake failed: {why}"
    assert shown.tree["meta"]["versionId"] == "2"
    (entry,) = busy.caller(RECEIVER).get(f"Subscription/{id_}/$status").tree["entry"]
    told = {p["name"]: p for p in entry["resource"]["parameter"]}
    assert told["status"]["valueCode"] == "error"
    assert why in told["error"]["valueCodeableConcept"]["text"]
    time.sleep(0.3)
    assert endpoint.kinds == ["handshake"], "it is tried once; who wants it again says so"

    answers[0] = Reply(204)
    assert busy.ask(id_, status="error", reason="still").tree["error"] == shown.tree["error"]
    asked = busy.ask(id_, status="active").tree
    assert (asked["status"], asked.get("error")) == ("requested", None)
    busy.wait_for(id_, "active")
    assert endpoint.kinds == ["handshake", "handshake"]
    assert endpoint.received[0].request_id != endpoint.received[1].request_id


def test_headers_travel_and_the_content_type_is_the_payload(busy: SubscribedHouse) -> None:
    endpoint = busy.endpoint()
    busy.subscribe(subscription(endpoint.url, "status=never", channel={
        "header": ["Authorization: Bearer of the subscriber", "X-Tenant:  two"],
        "payload": "application/fhir+json; fhirVersion=4.0",
    }))  # fmt: skip
    sent = endpoint.received[0].headers
    assert sent["Authorization"] == "Bearer of the subscriber"
    assert sent["X-Tenant"] == "two"
    assert sent["Content-Type"] == "application/fhir+json; fhirVersion=4.0"
    assert sent["Host"] == f"127.0.0.1:{endpoint.port}"
    assert HEADER not in sent


def test_a_new_endpoint_is_asked_again_and_other_changes_need_no_handshake(busy: SubscribedHouse) -> None:
    first, second = busy.endpoint(), busy.endpoint()
    id_ = busy.subscribe(subscription(first.url, "status=never"))
    tree = busy.ask(id_, reason="another reason", status="active").tree
    assert tree["status"] == "active"
    moved = busy.ask(id_, status="active", channel={**tree["channel"], "endpoint": second.url})
    assert moved.tree["status"] == "requested", "nothing is sent to an endpoint that nobody has agreed to"
    busy.wait_for(id_, "active")
    assert (first.kinds, second.kinds) == (["handshake"], ["handshake"])
    headers = {**tree["channel"], "endpoint": second.url, "header": ["X-Key: new"]}
    assert busy.ask(id_, status="active", channel=headers).tree["status"] == "requested"
    busy.wait_for(id_, "active")
    assert second.received[-1].headers["X-Key"] == "new"


def test_heartbeats_come_in_their_time_and_name_the_last_event(busy: SubscribedHouse) -> None:
    endpoint = busy.endpoint()
    beat = {"extension": [extension("heartbeat-period", valueUnsignedInt=3600)]}
    id_ = busy.subscribe(subscription(endpoint.url, "event=handoff-drafted", channel=beat))
    (due,) = busy.run("SELECT extract(epoch FROM due - now()) FROM subscription WHERE id = $1", id_)
    assert 3500 < due[0] <= 3600
    busy.begin(status="draft", sender=RECEIVER, owner="ob-clinic")
    until(lambda: endpoint.events, 10)
    busy.run("UPDATE subscription SET due = now() WHERE id = $1 RETURNING 1", id_)
    until(lambda: "heartbeat" in endpoint.kinds, 10)
    beats = [r for r in endpoint.received if kind(r) == "heartbeat"]
    told = parameters(beats[0].tree)
    assert (told["status"]["valueCode"], told["events-since-subscription-start"]["valueString"]) == ("active", "1")
    assert "notification-event" not in told
    assert len(beats) == 1
    assert busy.status_of(id_) == "active"


def test_an_endpoint_that_takes_no_heartbeat_is_in_error(busy: SubscribedHouse) -> None:
    answers = [Reply()]
    endpoint = busy.endpoint(lambda request: answers[0])
    beat = {"extension": [extension("heartbeat-period", valueUnsignedInt=3600)]}
    id_ = busy.subscribe(subscription(endpoint.url, "status=never", channel=beat))
    answers[0] = Reply(503)
    busy.run("UPDATE subscription SET due = now() WHERE id = $1 RETURNING 1", id_)
    busy.wait_for(id_, "error")
    assert "heartbeats failed: HTTP 503" in busy.caller(RECEIVER).get(f"Subscription/{id_}").tree["error"]
    assert endpoint.kinds == ["handshake"] + ["heartbeat"] * 3


def test_a_timeout_of_the_subscribers_is_kept_to(busy: SubscribedHouse) -> None:
    endpoint = busy.endpoint(lambda request: Reply(delay=1.6))
    start = time.monotonic()
    limit = {"extension": [extension("timeout", valueUnsignedInt=1)]}
    id_ = busy.subscribe(subscription(endpoint.url, channel=limit), status="error")
    assert time.monotonic() - start < 3
    assert "no answer in time" in busy.caller(RECEIVER).get(f"Subscription/{id_}").tree["error"]
    trickling = busy.endpoint(lambda request: Reply(body=b"x" * 40, trickle=0.2))
    start = time.monotonic()
    busy.subscribe(subscription(trickling.url, "status=never", channel=limit))
    assert time.monotonic() - start < 5, "an answer that trickles for eight seconds is not waited for"


def test_when_its_end_has_passed_it_is_off_and_nothing_more_is_sent(idle: SubscribedHouse) -> None:
    endpoint = idle.endpoint()
    clock = idle.house.clock
    end = (clock.now() + timedelta(hours=48)).isoformat()
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url, end=end))
        first = idle.begin().task
        until(lambda: endpoint.about(first), 10)
        clock.advance(timedelta(hours=49))  # type: ignore[union-attr]
        second = idle.begin().task
        idle.wait_for(id_, "off")
        time.sleep(0.5)
    assert not endpoint.about(second)
    assert idle.lanes_of(id_) == 0, "nothing waits for a Subscription that is over"


def test_one_that_nobody_serves_any_more_keeps_nothing_from_the_others(idle: SubscribedHouse) -> None:
    """As after an upgrade that takes less than the version before."""
    endpoint = idle.endpoint()
    end = (idle.house.clock.now() + timedelta(hours=1)).isoformat()
    with working(idle, idle.house.database_url):
        odd = idle.subscribe(subscription(endpoint.url, end=end))
        sound = idle.subscribe(subscription(endpoint.url))
        change = "UPDATE resource_version SET body = replace(convert_from(body, 'UTF8'), 'rest-hook', 'sms')::bytea"
        idle.run(f"{change} WHERE type = 'Subscription' AND id = $1 RETURNING 1", odd)
        idle.house.clock.advance(timedelta(hours=2))  # type: ignore[union-attr]
        begun = idle.begin()
        until(lambda: endpoint.about(begun.task), 10)
    assert (idle.told(odd), idle.told(sound)) == ([], ["handoff:requested"])


def test_a_worker_that_died_after_the_handshake_leaves_it_to_the_next(idle: SubscribedHouse) -> None:
    """The lease of a claim runs out; the endpoint may be asked twice, under the same request id."""
    with closing(Endpoint()) as endpoint:
        id_ = idle.subscribe(subscription(endpoint.url), status="requested")
        idle.run("UPDATE subscription SET due = now() + interval '1 second' WHERE id = $1 RETURNING 1", id_)
        with working(idle, idle.house.database_url):
            idle.wait_for(id_, "active")
        assert endpoint.kinds == ["handshake"]


def test_secrets_are_in_no_log_and_in_no_error(
    busy: SubscribedHouse, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = busy.endpoint(lambda request: Reply(500, body=encode({"s3cret-of-theirs": 1})))
    id_ = busy.subscribe(
        subscription(endpoint.url + "?k=s3cret", channel={"header": ["X-Key: s3cret"]}), status="error"
    )
    error = busy.caller(RECEIVER).get(f"Subscription/{id_}").tree["error"]
    assert "s3cret" not in error
    out, err = capfd.readouterr()
    assert "s3cret" not in out + err + caplog.text
