"""What names a thing without being its id opens nothing either: page links, request keys, identifiers of Bundles and
messages, subscriptions, numbers of audit events."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from attempts import Request, get, send
from matrix import UUID, answer, ask
from scene import FORMER, Scene
from specimens import Tree
from tenants import Owned
from whole_house import RECEIVER, SENDER, THIRD, Caller, referral

PAGED = (
    "Patient?_count=1",
    "Patient?_count=1&_sort=family",
    "Patient?_count=1&_sort=-birthdate",
    "Observation?_count=1&status=registered",
    "Task?_count=1&requester=Organization/mobile-crisis&status=requested,draft",
    "Task/_history?_count=1",
    "Patient/_history?_count=1&_summary=true",
    "Task/{task}/_history?_count=1",
    "Provenance?target=Task/{task}&_count=1",
)


def _traces(caller: Caller, path: str, foreign: Owned) -> set[str]:
    """What of the foreign set stands in an answer beside the question, which a link repeats."""
    got = caller.get(path)
    assert got.status in {200, 400, 404}, got.raw
    told = [each["resource"] for each in got.tree.get("entry", ())]
    return {trace for trace in foreign.traces if trace in str(told)}


@pytest.mark.parametrize("query", PAGED)
def test_the_page_link_of_another_carries_no_right(scene: Scene, query: str) -> None:
    foreign = scene.rejected
    first = scene.author.get(query.format(task=foreign.id("Task")))
    (link,) = [each["url"] for each in first.tree["link"] if each["relation"] == "next"]
    parts = urlsplit(link)
    path = f"{parts.path}?{parts.query}"
    everything = path.replace("_count=1", "_count=1000")
    assert _traces(scene.author, everything, foreign) | {e["id"] for e in _shown(first)}, "its owner is led on by it"
    for tenant in (THIRD, FORMER, RECEIVER):
        for address in (path, everything):
            assert _traces(scene.house.caller(tenant), address, foreign) == set()
    for place in range(len(path) - 40, len(path), 3):
        other = "A" if path[place] != "A" else "B"
        assert _traces(scene.third, path[:place] + other + path[place + 1 :], foreign) == set()


def _shown(got: Any) -> list[Tree]:
    return [each["resource"] for each in got.tree.get("entry", ())]


def _alike(caller: Caller, request: Request, foreign: Owned, *names: str) -> None:
    """Under names that somebody else has used, and under names that nobody has, the same request is answered alike."""
    new = {name: str(uuid4())[: len(name)] for name in names}

    def renamed(text: str) -> str:
        for name, other in new.items():
            assert name in str(request)
            text = text.replace(name, other)
        return text

    body = renamed(request.body.decode()).encode() if request.body is not None else None
    headers = tuple((name, renamed(value)) for name, value in request.headers)
    other = Request(request.method, renamed(request.path), body, headers)
    status, headers, told = answer(ask(caller, request), foreign)
    assert answer(ask(caller, other), foreign) == (status, headers, UUID.sub("id", renamed(told)))


def test_a_request_key_is_each_organisations_own(scene: Scene) -> None:
    foreign, third = scene.between_others, scene.third
    (key, _) = foreign.secrets
    patient = {"resourceType": "Patient", "name": [{"family": "Own"}]}
    _alike(third, send("POST", "Patient", patient, X_Request_ID=key), foreign, key)
    _alike(third, send("POST", "", referral(sender=THIRD), X_Request_ID=key + "2"), foreign, key)
    # Under the same key and with the same bytes as the author sent.
    sent = referral()
    assert scene.author.post("", sent, X_Request_ID="key-both-00001").status == 200
    got = third.post("", sent, X_Request_ID="key-both-00001")
    assert (got.status, got.code) == (403, "forbidden"), "it is asked anew, in whose name that is"


def test_the_identifier_of_a_bundle_is_each_organisations_own(scene: Scene) -> None:
    (_, identifier) = scene.between_others.secrets
    bundle = {**referral(sender=THIRD), "identifier": {"system": "urn:example:bundles", "value": identifier}}
    _alike(scene.third, send("POST", "", bundle), scene.between_others, identifier)


def _message(header: str, identifier: str, **more: Any) -> Tree:
    """A message of whoever sends it, about a person of its own."""
    event = {"system": "https://handoff.example/fhir/CodeSystem/message", "code": "handoff"}
    url = f"urn:uuid:{uuid4()}"
    number = [{"system": "urn:example:orders", "value": identifier}]
    entries = [
        {"fullUrl": f"urn:uuid:{header}", "resource": {
            "resourceType": "MessageHeader", "id": header, "eventCoding": event, "source": {"endpoint": "urn:x"},
            "destination": [{"receiver": {"reference": "Organization/case-management"}, "endpoint": "urn:y"}],
            "focus": [{"reference": url}], **more}},
        {"fullUrl": url, "resource": {
            "resourceType": "ServiceRequest", "identifier": number, "status": "active", "intent": "order",
            "subject": {"display": "x"}}},
    ]  # fmt: skip
    return {
        "resourceType": "Bundle", "type": "message", "timestamp": "2026-03-01T00:00:00Z", "id": header,
        "identifier": {"system": "urn:example:messages", "value": identifier}, "entry": entries,
    }  # fmt: skip


def test_a_message_that_answers_or_repeats_anothers_speaks_of_nothing_known(scene: Scene) -> None:
    header, identifier = str(uuid4()), f"{uuid4()}"
    sent = scene.author.post("$process-message", _message(header, identifier))
    assert sent.status == 200, sent.text
    task = next(e["resource"]["id"] for e in sent.tree["entry"] if e["resource"]["resourceType"] == "Task")
    before = scene.author.get(f"Task/{task}").raw
    foreign = scene.between_others
    for code in ("ok", "fatal-error"):
        response = {"response": {"identifier": header, "code": code}}
        names = (str(uuid4()), str(uuid4()))
        answering = send("POST", "$process-message", _message(*names, **response))
        _alike(scene.third, answering, foreign, header, *names)
    _alike(scene.third, send("POST", "$process-message", _message(header, identifier)), foreign, header, identifier)
    assert scene.author.get(f"Task/{task}").raw == before


@pytest.mark.parametrize("path", ["", "/$status", "/$events", "/$events?eventsSinceNumber=1", "/_history", "?_id="])
def test_the_subscription_of_another_is_none(scene: Scene, path: str) -> None:
    address = f"Subscription?_id={SENDER}" if path == "?_id=" else f"Subscription/{SENDER}{path}"
    _alike(scene.third, get(address), scene.between_others, SENDER)


def test_nobody_is_told_of_what_it_has_no_part_in(scene: Scene) -> None:
    """Neither now, through the queue of deliveries, nor later, through the events of its Subscription."""
    rows = scene.house.house.store.engine.connect()
    with rows as connection:
        told = connection.exec_driver_sql("SELECT handoff, subscriber FROM notification").all()
    subscribers = {task: {who for handoff, who in told if handoff == task} for task in {h for h, _ in told}}
    assert subscribers[scene.between_others.id("Task")] <= {SENDER, RECEIVER}
    assert subscribers[scene.rejected.id("Task")] <= {SENDER, FORMER}
    assert scene.draft.id("Task") not in subscribers
    events = str(scene.third.get(f"Subscription/{THIRD}/$events").tree)
    assert not any(trace in events for trace in scene.between_others.traces)


def test_the_trail_tells_each_what_it_did_and_what_was_done_to_its_own(scene: Scene) -> None:
    foreign = scene.between_others
    (event,) = _shown(scene.author.get(f"AuditEvent?entity=Patient/{foreign.id('Patient')}&_count=1"))
    for path in (f"AuditEvent/{event['id']}", f"AuditEvent/{event['id']}/_history/1", f"AuditEvent?_id={event['id']}"):
        _alike(scene.third, get(path), foreign, event["id"])
    for caller, owned in ((scene.third, foreign), (scene.house.caller(FORMER), scene.draft)):
        path: str | None = "AuditEvent?_count=1000"
        while path:
            page = caller.get(path)
            named = {
                str(entity.get("what", {}).get("reference"))
                for each in _shown(page)
                for entity in each.get("entity", ())
            }
            # A patient whom it named itself, in vain, is there without a version.
            read = [name for name in named if "/_history/" in name]
            assert not any(trace in name for name in read for trace in owned.traces)
            links = [urlsplit(each["url"]) for each in page.tree["link"] if each["relation"] == "next"]
            path = f"{links[0].path}?{links[0].query}" if links else None
    own = _shown(scene.house.caller(FORMER).get(f"AuditEvent?entity=Patient/{scene.rejected.id('Patient')}"))
    assert {each["agent"][0]["who"]["reference"].rpartition("/")[2] for each in own} == {FORMER}, "what it did then"
