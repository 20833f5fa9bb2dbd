"""Subscription/<partner>, $status and $events (https://hl7.org/fhir/uv/subscriptions-backport/operations.html)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from whole_house import RECEIVER, SENDER, Caller, Tree, WholeHouse, whole_house

from adapter.domain.handoff import LedgerEvent
from adapter.storage.lanes import LaneStore


@pytest.fixture
def alone(database_url: str, tmp_path: Any) -> Any:
    with whole_house(database_url, tmp_path) as made:
        yield made


def deliver(house: WholeHouse, handoff: str, subscriber: str = RECEIVER) -> None:
    """What a worker does when a partner has answered 200."""
    lanes, now = LaneStore(house.house.store.engine), house.house.clock.now()
    head = lanes.head(f"{subscriber}:{handoff}")
    assert head is not None
    assert lanes.begin(head, timedelta(seconds=30)) is not None
    assert lanes.settled(head, "delivered", "{}", LedgerEvent(handoff, "delivery:delivered", "adapter", now, now))


def told(bundle: Tree) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The plain parameters of the status, and those of each event."""

    def values(parameters: list[Tree]) -> dict[str, Any]:
        return {
            p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in parameters if "part" not in p
        }

    parameters = bundle["entry"][0]["resource"]["parameter"]
    return values(parameters), [values(p["part"]) for p in parameters if "part" in p]


def test_past_events_are_told_again_by_number(alone: WholeHouse) -> None:
    sender, receiver = alone.caller(SENDER), alone.caller(RECEIVER)
    begun = [alone.begin() for _ in range(3)]
    assert told(receiver.get(f"Subscription/{RECEIVER}/$status").tree)[0]["events-since-subscription-start"] == "0"
    for each in begun:
        deliver(alone, each.id)
    status, _ = told(receiver.get(f"Subscription/{RECEIVER}/$status").tree)
    assert (status["events-since-subscription-start"], status["type"]) == ("3", "query-status")
    assert status["status"] == "active"

    got = receiver.get(f"Subscription/{RECEIVER}/$events")
    status, events = told(got.tree)
    assert (status["type"], status["events-since-subscription-start"]) == ("query-event", "3")
    assert [e["event-number"] for e in events] == ["1", "2", "3"]
    assert [e["focus"]["reference"].rpartition("/fhir/")[2] for e in events] == [each.task for each in begun]
    for query, numbers in {
        "eventsSinceNumber=2": ["2", "3"],
        "eventsUntilNumber=1": ["1"],
        "eventsSinceNumber=2&eventsUntilNumber=2": ["2"],
        "eventsSinceNumber=9": [],
    }.items():
        _, some = told(receiver.get(f"Subscription/{RECEIVER}/$events?{query}").tree)
        assert [e["event-number"] for e in some] == numbers, query

    assert receiver.move(begun[0].task, "rejected", reason="no room").status == 200
    _, events = told(receiver.get(f"Subscription/{RECEIVER}/$events").tree)
    assert "focus" not in events[0], "who may not read the handoff any more is not pointed at it"
    assert "focus" in events[1]
    assert told(sender.get(f"Subscription/{SENDER}/$events").tree)[1] == []
    for bundle in (got.tree, receiver.get(f"Subscription/{RECEIVER}/$status").tree):
        issues = receiver.post("Bundle/$validate", bundle).issues
        assert {i["severity"] for i in issues} <= {"information", "warning"}, issues


def test_a_partner_reads_its_own_subscription_and_none_of_others(house: WholeHouse, receiver: Caller) -> None:
    own = receiver.get(f"Subscription/{RECEIVER}")
    assert (own.status, own.tree["id"], own.tree["resourceType"]) == (200, RECEIVER, "Subscription")
    issues = receiver.post("Subscription/$validate", own.tree).issues
    assert {i["severity"] for i in issues} <= {"information", "warning"}, issues
    for path in ("", "/$status", "/$events"):
        foreign, missing = receiver.get(f"Subscription/{SENDER}{path}"), receiver.get(f"Subscription/nobody{path}")
        assert (foreign.status, foreign.tree) == (404, missing.tree), path
    assert house.caller(RECEIVER, "system/Task.cruds").get(f"Subscription/{RECEIVER}/$status").status == 403
    assert receiver.get(f"Subscription/{RECEIVER}/$events?eventsSinceNumber=x").status == 400


def test_the_standing_subscription_is_not_changed_over_http(receiver: Caller) -> None:
    tree = {"resourceType": "Subscription", "status": "off", "reason": "x", "criteria": "Task?", "id": RECEIVER,
            "channel": {"type": "rest-hook", "endpoint": "http://127.0.0.1/x"}}  # fmt: skip
    patch = [{"op": "replace", "path": "/status", "value": "off"}]
    for got in (receiver.put(f"Subscription/{RECEIVER}", tree), receiver.patch(f"Subscription/{RECEIVER}", patch),
                receiver.delete(f"Subscription/{RECEIVER}")):  # fmt: skip
        assert (got.status, got.code) == (405, "not-supported")
        assert "partner register" in got.text
    assert receiver.get(f"Subscription/{RECEIVER}").status == 200


def found(caller: Caller, query: str) -> list[str]:
    got = caller.get(f"Subscription{query}")
    assert got.status == 200, got.raw
    return [each["resource"]["id"] for each in got.tree.get("entry", ())]


def test_a_search_finds_the_standing_subscription_of_who_asks_before_those_it_created(alone: WholeHouse) -> None:
    caller = alone.caller(SENDER)
    assert found(caller, "") == [SENDER]
    new: Tree = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "to know",
        "criteria": "https://handoff.example/fhir/SubscriptionTopic/handoff",
        "channel": {"type": "rest-hook", "endpoint": "http://127.0.0.1:9/hook", "payload": "application/fhir+json"},
    }
    created = caller.post("Subscription", new).tree["id"]
    listed = caller.get("Subscription").tree
    assert ([each["resource"]["id"] for each in listed["entry"]], listed["total"]) == ([SENDER, created], 2)
    assert listed["entry"][0]["resource"] == caller.get(f"Subscription/{SENDER}").tree
    for query, wanted in {
        "?status=active": [SENDER],
        "?status=requested": [created],
        "?status:not=off": [created],
        f"?_id={SENDER},{RECEIVER}": [SENDER],
        "?url=http://127.0.0.1:9/hook": [created],
        "?type=rest-hook&_sort=_id": [SENDER, created],
        "?contact=x": [],
        "?_count=1": [created],
        "/_search?criteria=https://handoff.example/fhir/SubscriptionTopic/handoff": [SENDER, created],
    }.items():
        assert found(caller, query) == wanted, query
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = caller.send("POST", "Subscription/_search", raw=f"_id={SENDER}".encode(), headers=form)
    assert posted.tree["total"] == 1
    assert caller.get("Subscription?_summary=count").tree["total"] == 2
    assert "entry" not in caller.get("Subscription?_summary=count").tree
    assert found(alone.caller(RECEIVER), "") == [RECEIVER], "nobody finds that of another"
