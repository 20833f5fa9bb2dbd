"""What happens to a handoff reaches who subscribed to it and may know of it, numbered, in order, and nobody else."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_house import BREAK, Received, Reply, until
from subscribed_house import SubscribedHouse, focus, kind, number, parameters, subscription, working
from whole_house import RECEIVER, SENDER, THIRD, Begun

from adapter.cli import main
from adapter.delivery.signature import HEADER
from adapter.storage.subscriptions import SubscriptionStore
from adapter.use_cases.deliver import drain_lane
from adapter.use_cases.fan_out import fan_out
from adapter.worker import make_worker
from tests.consent.records import CLINIC, NOTICE
from tests.consent.records import referral as restricted

WORKER = Path(__file__).with_name("subscription_worker.py")


def moved(house: SubscribedHouse, begun: Begun, *statuses: str) -> None:
    for status in statuses:
        reason = "no room" if status == "rejected" else None
        got = house.caller(RECEIVER).move(begun.task, status, reason=reason)
        assert got.status == 200, got.tree


def test_both_sides_are_told_what_happens_under_numbers_of_their_own(busy: SubscribedHouse) -> None:
    ours, theirs = busy.endpoint(), busy.endpoint()
    for partner, endpoint in ((RECEIVER, ours), (SENDER, theirs)):
        busy.subscribe(subscription(endpoint.url), partner)
    begun = busy.begin()
    moved(busy, begun, "received", "accepted")
    for endpoint in (ours, theirs):
        until(lambda endpoint=endpoint: len(endpoint.about(begun.task)) >= 3, 10)  # type: ignore[misc]
        numbers = [number(each) for each in endpoint.about(begun.task)]
        assert numbers == sorted(numbers)
    sent = ours.about(begun.task)[0]
    assert sent.headers["X-Correlation-ID"] == begun.id
    assert HEADER not in sent.headers
    issues = busy.caller(RECEIVER).post("Bundle/$validate", sent.tree).issues
    assert {i["severity"] for i in issues} <= {"information", "warning"}, issues


FILTERED = {
    "Task?status=accepted": ["handoff:accepted"],
    "status:not=requested": ["handoff:received", "handoff:accepted"],
    "event=handoff-received,handoff-accepted": ["handoff:received", "handoff:accepted"],
    f"owner=Organization/{RECEIVER}&status=requested": ["handoff:requested"],
    f"owner={SENDER}": [],
    f"requester=Organization/{SENDER}": ["handoff:requested", "handoff:received", "handoff:accepted"],
    "pathway=referral&code=fulfill": ["handoff:requested", "handoff:received", "handoff:accepted"],
    "pathway=crisis-to-outpatient": [],
}


def test_each_subscription_is_told_what_its_filters_let_through(idle: SubscribedHouse) -> None:
    """Each event is held against the Task as it left it, though all of them happened before anybody looked."""
    url = idle.endpoint().url
    made = {}
    with working(idle, idle.house.database_url):
        made = {text: idle.subscribe(subscription(url, text)) for text in FILTERED}
        both = idle.subscribe(subscription(url, f"requester={SENDER}", "event=handoff-accepted"))
        patient = idle.subscribe(subscription(url, "patient=Patient/somebody-else"))
    begun = idle.begin()
    moved(idle, begun, "received", "accepted")
    with working(idle, idle.house.database_url):
        until(lambda: idle.told(made["pathway=referral&code=fulfill"]) == FILTERED["pathway=referral&code=fulfill"], 10)
        assert {text: idle.told(id_) for text, id_ in made.items()} == FILTERED
        assert idle.told(both) == ["handoff:accepted"], "all filters hold together"
        assert idle.told(patient) == []


@pytest.mark.parametrize("content", ["empty", "id-only", "full-resource", None])
def test_a_notification_holds_what_was_asked_for_and_no_more(busy: SubscribedHouse, content: str | None) -> None:
    endpoint = busy.endpoint()
    id_ = busy.subscribe(subscription(endpoint.url, f"owner={RECEIVER}", content=content))
    begun = busy.begin()
    until(lambda: endpoint.events, 10)
    sent = endpoint.events[0]
    entries = sent.tree["entry"]
    if content == "empty":
        assert begun.id not in sent.body.decode() + str(sent.headers), "not in a header either"
        assert sent.headers["X-Correlation-ID"] == id_
    else:
        assert focus(sent) == begun.task
    if content == "full-resource":
        task = busy.caller(RECEIVER).get(begun.task).tree
        assert [e["resource"]["resourceType"] for e in entries] == ["Parameters", "Task"]
        assert entries[1]["resource"]["id"] == task["id"]
        audit = busy.caller(RECEIVER).get(f"AuditEvent?entity={begun.task}&subtype=disclose").tree
        assert any(e["resource"]["agent"][0] for e in audit["entry"]), "what leaves with content is a disclosure"
    else:
        assert len(entries) == 1

    for asked in ("empty", "id-only", "full-resource"):
        again = busy.caller(RECEIVER).get(f"Subscription/{id_}/$events?content={asked}").tree
        least = min(asked, content or "id-only", key=["empty", "id-only", "full-resource"].index)
        assert (begun.id in str(again)) is (least != "empty"), (asked, content)
        assert any(e["resource"]["resourceType"] == "Task" for e in again["entry"]) is (least == "full-resource")
    assert busy.caller(RECEIVER).get(f"Subscription/{id_}/$events?content=all").status == 400


def test_nobody_is_told_of_another_organisations_handoffs(idle: SubscribedHouse) -> None:
    third = idle.endpoint()
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(third.url, content="full-resource"), THIRD)
        guess = idle.subscribe(subscription(third.url, f"owner={RECEIVER}", content="full-resource"), THIRD)
        # Somebody is told of those: that alone must not bring them to others.
        idle.subscribe(subscription(idle.endpoint().url))
        begun = idle.begin()
        moved(idle, begun, "accepted")
        drafted = idle.begin(owner=THIRD, status="draft")
        mine = idle.begin(owner=THIRD)
        until(lambda: third.about(mine.task), 10)
        time.sleep(0.3)
    assert {focus(each) for each in third.events} == {mine.task}, "a draft is nobody else's business either"
    assert drafted.id not in str([each.body for each in third.received])
    for each, count in ((id_, "1"), (guess, "0")):
        (entry,) = idle.caller(THIRD).get(f"Subscription/{each}/$status").tree["entry"]
        told = {p["name"]: p for p in entry["resource"]["parameter"]}
        assert told["events-since-subscription-start"]["valueString"] == count
    evidence = idle.caller(SENDER).get(f"{mine.task}/$evidence").raw.decode()
    assert id_ not in evidence, "the other side does not learn that there is a Subscription"
    assert not idle.run("SELECT FROM ledger_event WHERE detail::text LIKE $1", f"%{id_}%")


def test_when_reading_ends_between_the_event_and_its_delivery_nothing_is_sent(idle: SubscribedHouse) -> None:
    answers = [Reply()]
    endpoint = idle.endpoint(lambda request: answers[0])
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url, content="full-resource"))
        answers[0] = Reply(503, delay=0.2)
        begun, kept = idle.begin(), idle.begin()
        until(lambda: any(kind(each) != "handshake" for each in endpoint.received), 10)
        moved(idle, begun, "rejected")
        before = len(endpoint.received)
        idle.wait_for(id_, "error")
        answers[0] = Reply()
        assert idle.ask(id_, status="requested").status == 200
        idle.wait_for(id_, "active")
        until(lambda: endpoint.about(kept.task), 10)
        until(lambda: idle.lanes_of(id_) == 0, 10)
    assert not endpoint.about(begun.task)
    assert all(kind(each) == "handshake" or focus(each) == kept.task for each in endpoint.received[before + 2 :])
    again = idle.caller(RECEIVER).get(f"Subscription/{id_}/$events?content=full-resource").tree
    assert begun.id not in str(again), "what happened is counted, and no more is said of it"
    assert kept.id in str(again)


def test_what_a_consent_opens_is_labelled_and_nothing_is_sent_once_it_is_taken_back(idle: SubscribedHouse) -> None:
    """42 CFR Part 2: the label and the notice accompany what is sent; after the revocation nothing is."""
    endpoint, clinic = idle.endpoint(), idle.caller(CLINIC)
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url, content="full-resource"))
        patient, _, request, task, consent = clinic.post("", restricted()).located
        begun = Begun(patient, request, task)
        until(lambda: endpoint.about(task) and idle.last(id_) == len(endpoint.events), 10)
    first, before = endpoint.about(task)[0], len(endpoint.events)
    assert "42CFRPart2" in str(first.tree["meta"]["security"])
    assert NOTICE in first.body.decode()
    again = f"Subscription/{id_}/$events?content=full-resource"
    assert NOTICE in idle.caller(RECEIVER).get(again).raw.decode()

    moved(idle, begun, "received")
    worker = make_worker(idle.house.world, idle.house.store, idle.house.database_url, production=False)
    until(lambda: fan_out(worker.subscriptions) == 1, 10)  # the recipient may still know of it
    assert clinic.patch(consent, [{"op": "replace", "path": "/status", "value": "inactive"}]).status == 200
    fan_out(worker.subscriptions)
    drain_lane(worker.courier, f"Subscription/{id_}:{begun.id}")
    assert idle.lanes_of(id_) == 0
    assert len(endpoint.events) == before < idle.last(id_), "what happened is counted"
    assert begun.id not in idle.caller(RECEIVER).get(again).raw.decode()


def test_a_withdrawal_is_told_by_reference_to_who_worked_on_it(busy: SubscribedHouse) -> None:
    endpoint = busy.endpoint()
    busy.subscribe(subscription(endpoint.url, "event=handoff-entered-in-error", content="full-resource"))
    begun = busy.begin()
    assert busy.caller(SENDER).move(begun.task, "entered-in-error").status == 200
    until(lambda: endpoint.about(begun.task), 10)
    assert len(endpoint.about(begun.task)[0].tree["entry"]) == 1


def test_a_partner_that_may_not_read_tasks_any_more_is_sent_none(idle: SubscribedHouse) -> None:
    endpoint = idle.endpoint()
    register = idle.house.register
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url))
        partner = register.directory().get(RECEIVER)
        assert partner is not None
        register.put(replace(partner, scopes=("system/Subscription.cruds",)))
        withheld = (
            "SELECT receipt->>'detail' FROM notification WHERE subscriber = $1 AND state = 'withheld' ORDER BY id"
        )
        begun = idle.begin()
        until(lambda: idle.run(withheld, id_) == [("no-scope-to-read",)], 15)
        register.put(replace(partner, active=False))
        assert idle.caller(SENDER).move(begun.task, "cancelled", reason="moved away").status == 200
        until(lambda: idle.run(withheld, id_)[1:] == [("subscriber-not-registered",)], 15)
    assert endpoint.events == []


def test_what_fails_for_long_is_an_error_that_is_seen_and_what_was_missed_is_sent_after_recovery(
    idle: SubscribedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [Reply()]
    endpoint = idle.endpoint(lambda request: answers[0])
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url))
        first = idle.begin()
        until(lambda: endpoint.about(first.task), 10)
        answers[0] = Reply(503)
        missed = [idle.begin() for _ in range(3)]
        idle.wait_for(id_, "error")
        shown = idle.caller(RECEIVER).get(f"Subscription/{id_}").tree
        assert shown["error"] == "HTTP 503"
        assert {each.subscriber for each in idle.lanes.listing(subscriber=id_)} == {id_}
        assert any("HTTP 503" in (each.last_error or "") for each in idle.lanes.listing(subscriber=id_))
        monkeypatch.setenv("HANDOFF_DATABASE_URL", idle.house.database_url)
        monkeypatch.setenv("HANDOFF_DATA_DIR", str(idle.house.settings.data_dir))
        listed = CliRunner().invoke(main, ["deliveries", "list", "--subscriber", id_]).output
        assert f"Subscription/{id_}:{missed[0].id}" in listed
        assert f"Subscription/{id_}  error  of {RECEIVER}, who has to ask again: HTTP 503" in listed
        seen_by_others = idle.lanes.listing(side=SENDER)
        assert seen_by_others and id_ not in {each.subscriber for each in seen_by_others}
        time.sleep(0.3)
        tried = len(endpoint.received)
        while_away = idle.begin()
        moved(idle, while_away, "accepted")
        until(lambda: idle.last(id_) == 6, 10)
        time.sleep(0.4)
        assert len(endpoint.received) == tried, "nothing is sent until its owner asks for it"
        idle.lanes.retry(subscriber=id_)
        time.sleep(0.4)
        assert len(endpoint.received) == tried, "whoever else may ask for it"
        again = idle.caller(RECEIVER).get(f"Subscription/{id_}/$events?eventsSinceNumber=2").tree
        assert [p["part"][0]["valueString"] for p in again["entry"][0]["resource"]["parameter"] if "part" in p] == [
            "2", "3", "4", "5", "6"
        ]  # fmt: skip

        answers[0] = Reply()
        assert idle.ask(id_, status="requested").tree["status"] == "requested"
        idle.wait_for(id_, "active")
        until(lambda: len(endpoint.events) == 6, 15)
    asked = [each for each in endpoint.processed if kind(each) == "handshake"][-1]
    assert number(asked) == 6, "the handshake says how far the events have come"
    assert sorted(number(each) for each in endpoint.events) == [1, 2, 3, 4, 5, 6]
    assert [number(each) for each in endpoint.about(while_away.task)] == [5, 6]
    assert {focus(each) for each in endpoint.events} == {b.task for b in (first, *missed, while_away)}
    assert "error" not in idle.caller(RECEIVER).get(f"Subscription/{id_}").tree


def test_an_endpoint_that_refuses_the_content_is_in_error_soon(busy: SubscribedHouse) -> None:
    endpoint = busy.endpoint(lambda request: Reply() if kind(request) == "handshake" else Reply(410))
    id_ = busy.subscribe(subscription(endpoint.url, "event=handoff-requested"))
    busy.begin()
    busy.wait_for(id_, "error")
    assert busy.caller(RECEIVER).get(f"Subscription/{id_}").tree["error"] == "HTTP 410"


def test_one_subscription_in_error_keeps_nothing_from_others_nor_from_the_standing_one(busy: SubscribedHouse) -> None:
    broken = busy.endpoint(lambda request: Reply() if kind(request) == "handshake" else BREAK)
    sound = busy.endpoint()
    bad, good = (busy.subscribe(subscription(e.url, "event=handoff-requested")) for e in (broken, sound))
    begun = busy.begin()
    until(lambda: sound.about(begun.task), 10)
    busy.wait_for(bad, "error")
    later = busy.begin()
    until(lambda: sound.about(later.task), 10)
    assert busy.status_of(good) == "active"
    until(lambda: good not in {each.subscriber for each in busy.lanes.listing(handoff=later.id)}, 10)
    assert busy.run("SELECT FROM notification WHERE handoff = $1 AND subscriber = $2", later.id, RECEIVER)


def test_off_means_off_and_on_again_counts_from_then(busy: SubscribedHouse) -> None:
    endpoint = busy.endpoint()
    id_ = busy.subscribe(subscription(endpoint.url, "event=handoff-requested"))
    first = busy.begin()
    until(lambda: endpoint.about(first.task), 10)
    assert busy.ask(id_, status="off").tree["status"] == "off"
    unheard = busy.begin()
    time.sleep(0.5)
    assert busy.ask(id_, status="requested").status == 200
    busy.wait_for(id_, "active")
    heard = busy.begin()
    until(lambda: endpoint.about(heard.task), 10)
    assert not endpoint.about(unheard.task)
    assert [number(each) for each in endpoint.events] == list(range(1, len(endpoint.events) + 1))


def test_what_happened_before_it_was_active_does_not_count_though_others_are_told_of_it(idle: SubscribedHouse) -> None:
    url = idle.endpoint().url
    with working(idle, idle.house.database_url):
        older, newer = idle.subscribe(subscription(url)), idle.subscribe(subscription(url))
    idle.begin()
    idle.run("UPDATE subscription SET since = txid_current() WHERE id = $1 RETURNING 1", newer)
    idle.begin()
    subscriptions = SubscriptionStore(idle.house.store.engine, idle.house.world.base_url)
    until(lambda: (fan_out(subscriptions), len(idle.told(older)))[1] == 2, 10)
    assert (idle.told(older), idle.told(newer)) == (["handoff:requested"] * 2, ["handoff:requested"])


@pytest.mark.parametrize("ending", ["turned off", "deleted", "its end has passed"])
def test_what_waits_when_a_subscription_ends_is_not_sent(idle: SubscribedHouse, ending: str) -> None:
    endpoint, clock = idle.endpoint(), idle.house.clock
    end = (clock.now() + timedelta(hours=2)).isoformat()
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url, end=end))
    begun = idle.begin()
    worker = make_worker(idle.house.world, idle.house.store, idle.house.database_url, production=False)
    until(lambda: fan_out(worker.subscriptions) == 1, 10)
    match ending:
        case "turned off":
            assert idle.ask(id_, status="off").status == 200
        case "deleted":
            assert idle.caller(RECEIVER).delete(f"Subscription/{id_}").status == 204
        case _:
            clock.advance(timedelta(hours=3))  # type: ignore[union-attr]
    drain_lane(worker.courier, f"Subscription/{id_}:{begun.id}")
    assert endpoint.events == []
    assert idle.lanes_of(id_) == 0


def test_a_deleted_subscription_is_told_nothing_more(idle: SubscribedHouse) -> None:
    endpoint = idle.endpoint()
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url))
    idle.begin()
    with working(idle, idle.house.database_url):
        until(lambda: endpoint.events, 10)
        assert idle.caller(RECEIVER).delete(f"Subscription/{id_}").status == 204
        later = idle.begin()
        time.sleep(0.6)
    assert not endpoint.about(later.task)
    assert idle.lanes_of(id_) == 0


def test_the_standing_subscription_goes_on_as_before(idle: SubscribedHouse) -> None:
    endpoint = idle.endpoint()
    with working(idle, idle.house.database_url):
        idle.subscribe(subscription(endpoint.url))
        begun = idle.begin()
        until(lambda: endpoint.about(begun.task), 10)
    standing = idle.run("SELECT event FROM notification WHERE subscriber = $1", RECEIVER)
    assert standing == [("handoff:requested",)]


def test_nothing_is_lost_doubled_or_reordered_while_endpoint_and_workers_fail(idle: SubscribedHouse) -> None:
    """Workers are killed while they fan out and send; the endpoint breaks every fourth connection after processing."""

    def unreliable(request: Received) -> Reply:
        if kind(request) != "handshake" and request.number % 4 == 0:
            return BREAK
        return Reply(delay=0.05)

    endpoint = idle.endpoint(unreliable)
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url))
    begun = [idle.begin() for _ in range(8)]
    for each in begun:
        moved(idle, each, "received", "accepted")
    command = [sys.executable, str(WORKER), idle.house.database_url, str(idle.house.settings.data_dir)]
    for n in range(2):
        with subprocess.Popen(command) as doomed:
            before = len(endpoint.received)
            until(lambda before=before, n=n: len(endpoint.received) >= before + 2 + n, 30)  # type: ignore[misc]
            doomed.kill()
    assert idle.lanes_of(id_) > 0, "the killed workers had done everything: the test proves nothing"
    with subprocess.Popen(command) as last:
        until(lambda: idle.lanes_of(id_) == 0, 60)
        last.terminate()
    assert sorted(number(each) for each in endpoint.events) == list(range(1, 25))
    for each in begun:
        numbers = list(
            dict.fromkeys(number(r) for r in endpoint.processed if kind(r) != "handshake" and focus(r) == each.task)
        )
        assert len(numbers) == 3
        assert numbers == sorted(numbers)


def test_workers_that_look_at_the_same_time_queue_each_event_once(idle: SubscribedHouse) -> None:
    endpoint = idle.endpoint()
    with working(idle, idle.house.database_url):
        id_ = idle.subscribe(subscription(endpoint.url))
    subscriptions = SubscriptionStore(idle.house.store.engine, idle.house.world.base_url)
    for _ in range(5):
        idle.begin()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: fan_out(subscriptions), range(4)))
    until(lambda: (fan_out(subscriptions), len(idle.told(id_)))[1] == 5, 10)
    numbers = idle.run("SELECT event_number FROM notification WHERE subscriber = $1 ORDER BY id", id_)
    assert [n for (n,) in numbers] == [1, 2, 3, 4, 5]


def test_the_status_of_a_notification_names_the_subscription_and_the_topic(busy: SubscribedHouse) -> None:
    endpoint = busy.endpoint()
    id_ = busy.subscribe(subscription(endpoint.url, "event=handoff-requested"))
    busy.begin()
    until(lambda: endpoint.events, 10)
    told = parameters(endpoint.events[0].tree)
    assert told["subscription"]["valueReference"]["reference"].endswith(f"/fhir/Subscription/{id_}")
    assert told["topic"]["valueCanonical"] == "https://handoff.example/fhir/SubscriptionTopic/handoff"
    assert told["status"]["valueCode"] == "active"
