"""What is taken and what is refused when a partner POSTs, PUTs, PATCHes or DELETEs a Subscription."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from subscribed_house import BACKPORT, TOPIC, SubscribedHouse, extension, subscription
from whole_house import RECEIVER, SENDER, THIRD, Caller, Tree, entry, referral, transaction

from adapter.app import furnish
from adapter.config import Settings
from adapter.domain.errors import BusinessRule
from adapter.domain.subscription import FILTERS
from adapter.published import definitions
from adapter.use_cases.publish_pathways import publish_pathways
from adapter.use_cases.take_subscription import MOST

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def receiver(quiet: SubscribedHouse) -> Caller:
    return quiet.caller(RECEIVER)


def published(**changed: Any) -> Tree:
    """As the guide's example `subscription-admission` is written, on our topic and to an endpoint that may be."""
    channel = {
        "extension": [
            extension("heartbeat-period", valueUnsignedInt=86400),
            extension("timeout", valueUnsignedInt=60),
            extension("max-count", valuePositiveInt=20),
        ],
        "type": "rest-hook",
        "endpoint": URL,
        "payload": "application/fhir+json",
        "_payload": {"extension": [extension("payload-content", valueCode="id-only")]},
    }
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [f"{BACKPORT}subscription"]},
        "channel": {**channel, **changed.pop("channel", {})},
        "status": "active",
        "end": "2099-12-31T12:00:00Z",
        "reason": "R4/B Example Topic-Based Subscription for Patient Admission",
        "criteria": TOPIC,
        "_criteria": {"extension": [extension("filter-criteria", valueString="Task?patient=Patient/123")]},
        **changed,
    }


def test_a_published_example_is_taken_and_waits_for_its_handshake(receiver: Caller) -> None:
    sent = published()
    got = receiver.post("Subscription", sent)
    assert got.status == 201, got.tree
    assert got.tree["status"] == "requested", "the server SHALL set the initial status to requested"
    unchanged = {name: value for name, value in got.tree.items() if name not in {"id", "meta", "status"}}
    assert unchanged == {name: value for name, value in sent.items() if name not in {"meta", "status"}}
    read = receiver.get(f"Subscription/{got.tree['id']}")
    assert (read.status, read.tree) == (200, got.tree)
    assert receiver.get(f"Subscription/{got.tree['id']}/$status").status == 200


REFUSED: dict[str, tuple[Tree, str, str]] = {
    "a topic of others": (
        published(criteria="http://hl7.org/SubscriptionTopic/admission"), "not-supported", "Subscription.criteria"),
    "criteria of R4 without a topic": (
        published(criteria="Observation?code=x"), "not-supported", "Subscription.criteria"),
    "a filter on another type": (
        published(_criteria={"extension": [extension("filter-criteria", valueString="Encounter?patient=Patient/123")]}),
        "not-supported", "Subscription.criteria.extension"),
    "a filter without text": (
        published(_criteria={"extension": [extension("filter-criteria", valueCode="x")]}),
        "required", "Subscription.criteria.extension"),
    "a custom channel, as the example of Zulip": (
        published(channel={"_type": {"extension": [extension("channel-type", valueCoding={"code": "zulip"})]}}),
        "not-supported", "Subscription.channel.type"),
    "a websocket": (published(channel={"type": "websocket"}), "not-supported", "Subscription.channel.type"),
    "e-mail": (
        published(channel={"type": "email", "endpoint": "mailto:a@b.example"}), "not-supported",
        "Subscription.channel.type"),
    "a message": (published(channel={"type": "message"}), "not-supported", "Subscription.channel.type"),
    "XML": (
        published(channel={"payload": "application/fhir+xml"}), "not-supported", "Subscription.channel.payload"),
    "notifications of another FHIR": (
        published(channel={"payload": "application/fhir+json; fhirVersion=4.3"}), "not-supported",
        "Subscription.channel.payload"),
    "a content that is none": (
        published(channel={"_payload": {"extension": [extension("payload-content", valueCode="all")]}}),
        "not-supported", "Subscription.channel.payload.extension"),
    "no endpoint": (published(channel={"endpoint": None}), "required", "Subscription.channel.endpoint"),
    "a heartbeat like a hammer": (
        published(channel={"extension": [extension("heartbeat-period", valueUnsignedInt=1)]}), "value",
        "Subscription.channel.extension"),
    "a timeout of no time": (
        published(channel={"extension": [extension("timeout", valueUnsignedInt=0)]}), "value",
        "Subscription.channel.extension"),
    "two heartbeats": (
        published(channel={"extension": [extension("heartbeat-period", valueUnsignedInt=60)] * 2}), "value",
        "Subscription.channel.extension"),
    "an end that has passed, as in the published examples": (
        published(end="2020-12-31T12:00:00Z"), "value", "Subscription.end"),
    "an error that it says of itself": (published(status="error"), "value", "Subscription.status"),
    "a header that ends": (
        published(channel={"header": ["X-Key: a\r\nHost: inside"]}), "value", "Subscription.channel.header[0]"),
    "a header without name": (published(channel={"header": ["secret"]}), "value", "Subscription.channel.header[0]"),
    "a name with a blank": (published(channel={"header": ["X Key: a"]}), "value", "Subscription.channel.header[0]"),
    "a value beyond ASCII": (published(channel={"header": ["X-Key: ä"]}), "value", "Subscription.channel.header[0]"),
    "a header twice": (
        published(channel={"header": ["X-Key: a", "x-key: b"]}), "value", "Subscription.channel.header[1]"),
    "too many headers": (
        published(channel={"header": [f"X-{n}: a" for n in range(21)]}), "too-long", "Subscription.channel.header"),
    **{
        f"the header {name}": (
            published(channel={"header": [f"{name}: x"]}), "security", "Subscription.channel.header[0]")
        for name in ("Host", "content-length", "Transfer-Encoding", "Connection", "Content-Type", "TE", "Upgrade",
                     "Handoff-Signature", "X-Request-ID", "Idempotency-Key", "Proxy-Authorization", "Expect")
    },
    **{
        f"the endpoint {url}": (published(channel={"endpoint": url}), "security", "Subscription.channel.endpoint")
        for url in ("http://10.0.0.1/x", "http://169.254.169.254/latest", "http://user:pw@127.0.0.1/x",
                    "http://2130706433/x", "ftp://127.0.0.1/x", "http://[::ffff:127.0.0.1]/x", "http://[fe80::1]/x")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_would_serve_is_refused_at_its_element(receiver: Caller, name: str) -> None:
    tree, code, at = REFUSED[name]
    tree = {**tree, "channel": {key: value for key, value in tree["channel"].items() if value is not None}}
    got = receiver.post("Subscription", tree)
    assert (got.status, got.code, got.expression) == (422, code, at), got.tree
    assert "expected" in got.text
    batch = receiver.post("", transaction(tree))
    assert (batch.status, batch.code) == (422, code)
    assert batch.expression == at.replace("Subscription", "Bundle.entry[0].resource", 1)
    assert "zulip" not in got.text and "secret" not in got.text


def test_every_reason_is_told_at_once(receiver: Caller) -> None:
    got = receiver.post("Subscription", published(criteria="x", channel={"type": "email", "header": ["a"]}))
    assert {i["expression"][0] for i in got.issues} == {
        "Subscription.criteria", "Subscription.channel.type", "Subscription.channel.header[0]"
    }  # fmt: skip


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "https://localhost/x", "https://10.1.2.3/x", "http://1.1.1.1/x",
                                 "https://[64:ff9b::7f00:1]/x", "https://169.254.169.254/x"])  # fmt: skip
def test_production_takes_public_https_endpoints_only(quiet: SubscribedHouse, tmp_path: Path, url: str) -> None:
    settings = Settings(mode="production", data_dir=tmp_path, base_url="https://handoff.example")
    house = furnish(settings, quiet.house.database_url, quiet.house.store)
    with pytest.raises(BusinessRule) as refused:
        house.world.check_endpoint(url)
    assert refused.value.issues[0].code == "security"
    house.world.check_endpoint("https://1.1.1.1/x")


def test_status_is_what_the_server_gives(quiet: SubscribedHouse, receiver: Caller) -> None:
    id_ = receiver.post("Subscription", subscription(URL)).tree["id"]
    assert quiet.ask(id_, status="active").tree["status"] == "requested", "nobody has answered a handshake yet"
    assert quiet.ask(id_, status="error").status == 422
    assert quiet.ask(id_, status="off", criteria="anything").tree["status"] == "off", "to end it is always possible"
    assert quiet.ask(id_, status="requested").code == "not-supported"
    assert quiet.ask(id_, status="requested", criteria=TOPIC).tree["status"] == "requested"
    patched = receiver.patch(f"Subscription/{id_}", [{"op": "replace", "path": "/status", "value": "off"}])
    assert (patched.status, patched.tree["status"]) == (200, "off")


def test_an_error_text_is_the_servers_too(receiver: Caller) -> None:
    assert "error" not in receiver.post("Subscription", subscription(URL, error="made up")).tree


def test_it_is_found_by_its_parameters_and_deleted(quiet: SubscribedHouse) -> None:
    caller = quiet.caller(THIRD)
    made = f"Subscription/{caller.post('Subscription', subscription(URL + '/found')).tree['id']}"
    for query in (f"url={URL}/found", "type=rest-hook", "status=requested", f"criteria={TOPIC}",
                  "payload=application/fhir%2Bjson"):  # fmt: skip
        standing = f"Subscription/{THIRD}"
        assert [each for each in caller.search(f"Subscription?{query}") if each != standing] == [made], query
        assert made not in quiet.caller(SENDER).search(f"Subscription?{query}")
    assert caller.delete(made).status == 204
    assert caller.get(made).status == 410
    assert caller.get(f"{made}/$status").status == 410
    assert caller.search("Subscription?type=rest-hook") == [f"Subscription/{THIRD}"]


def test_another_partners_subscription_is_as_if_it_did_not_exist(quiet: SubscribedHouse, receiver: Caller) -> None:
    sent = subscription(URL, channel={"header": ["X-Key: s3cret"]})
    own = receiver.post("Subscription", sent).tree
    other = quiet.caller(SENDER)
    attempts = {
        "read": lambda id_: other.get(f"Subscription/{id_}"),
        "vread": lambda id_: other.get(f"Subscription/{id_}/_history/1"),
        "history": lambda id_: other.get(f"Subscription/{id_}/_history"),
        "$status": lambda id_: other.get(f"Subscription/{id_}/$status"),
        "$events": lambda id_: other.get(f"Subscription/{id_}/$events"),
        "type $status": lambda id_: other.get(f"Subscription/$status?id={id_}"),
        "update": lambda id_: other.put(f"Subscription/{id_}", {**sent, "id": id_, "status": "off"}),
        "patch": lambda id_: other.patch(f"Subscription/{id_}", [{"op": "replace", "path": "/status", "value": "off"}]),
        "delete": lambda id_: other.delete(f"Subscription/{id_}"),
        "search": lambda id_: other.get(f"Subscription?_id={id_}"),
        "conditional delete": lambda id_: other.delete(f"Subscription?_id={id_}"),
        "as a reference": lambda id_: other.post("Basic", {
            "resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": f"Subscription/{id_}"}}),
    }  # fmt: skip
    for name, attempt in attempts.items():
        foreign, missing = attempt(own["id"]), attempt("nothing-here")
        assert foreign.status == missing.status, name
        assert foreign.raw.replace(own["id"].encode(), b"nothing-here").replace(b'"total":0', b"") == (
            missing.raw.replace(b'"total":0', b"")
        ), name
    assert receiver.get(f"Subscription/{own['id']}").tree == own


def test_it_belongs_to_no_handoff_whatever_it_travels_with(quiet: SubscribedHouse) -> None:
    """Its headers may hold a secret, and what belongs to a handoff is read by the other side."""
    sender, receiver = quiet.caller(SENDER), quiet.caller(RECEIVER)
    secret = subscription(URL, channel={"header": ["Authorization: Bearer s3cret"]})
    before = f"Subscription/{sender.post('Subscription', secret).tree['id']}"
    bundle = referral(input=[{"type": {"text": "see"}, "valueReference": {"reference": before}}])
    bundle["entry"].insert(0, entry("POST", "Subscription", secret))
    sent = sender.post("", bundle)
    assert sent.status == 200, sent.tree
    with_it, *_, task = sent.located
    patient = sent.located[1]
    later = sender.post("", transaction(
        {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": patient},
         "extension": [{"url": "urn:x", "valueReference": {"reference": before}},
                       {"url": "urn:y", "valueReference": {"reference": task}}]},
        secret,
    ))  # fmt: skip
    assert later.status == 200, later.tree
    assert receiver.get(task).status == 200
    for key in (before, with_it, later.located[1]):
        assert sender.get(key).status == 200
        assert receiver.get(key).status == 404, key
    assert receiver.search("Subscription") == [] or not set(receiver.search("Subscription")) & {before, with_it}
    assert "s3cret" not in receiver.get(f"{task}/$evidence").raw.decode()


def test_it_needs_the_scope_to_read_what_it_tells_of(quiet: SubscribedHouse) -> None:
    narrow = quiet.caller(RECEIVER, "system/Subscription.cruds")
    assert narrow.post("Subscription", subscription(URL)).status == 403
    assert narrow.post("", transaction(subscription(URL))).status == 403
    assert (
        quiet.caller(RECEIVER, "system/Subscription.r system/Task.r").post("Subscription", subscription(URL)).status
        == 403
    )
    assert (
        quiet.caller(RECEIVER, "system/Subscription.c system/Task.r").post("Subscription", subscription(URL)).status
        == 201
    )


def test_one_partner_has_not_more_than_it_can_use(idle: SubscribedHouse) -> None:
    caller = idle.caller(RECEIVER)
    assert caller.post("", transaction(*[subscription(URL) for _ in range(MOST)])).status == 200
    got = caller.post("Subscription", subscription(URL))
    assert (got.status, got.code) == (422, "too-costly")
    assert idle.caller(SENDER).post("Subscription", subscription(URL)).status == 201
    first = caller.search("Subscription?_count=1")[0].partition("/")[2]
    assert idle.ask(first, status="off").status == 200
    assert caller.post("Subscription", subscription(URL)).status == 201


def test_it_is_written_down_who_created_changed_and_deleted_it(quiet: SubscribedHouse, receiver: Caller) -> None:
    id_ = receiver.post("Subscription", subscription(URL, channel={"header": ["X-Key: s3cret"]})).tree["id"]
    quiet.ask(id_, reason="another")
    assert receiver.delete(f"Subscription/{id_}").status == 204
    page = receiver.get(f"AuditEvent?entity=Subscription/{id_}").tree
    actions = [e["resource"]["action"] for e in page["entry"] if e["resource"]["subtype"][0]["code"] != "read"]
    assert sorted(actions) == ["C", "D", "U"]
    assert "s3cret" not in receiver.get(f"AuditEvent?entity=Subscription/{id_}").raw.decode()


def test_the_status_of_all_is_told_at_once_and_may_be_asked_by_post(quiet: SubscribedHouse) -> None:
    caller = quiet.caller("iop-program")
    one, two = (caller.post("Subscription", subscription(URL)).tree["id"] for _ in range(2))
    quiet.ask(two, "iop-program", status="off")

    def ids(got: Any) -> set[str]:
        assert got.status == 200, got.tree
        told = [{p["name"]: p for p in e["resource"]["parameter"]} for e in got.tree.get("entry", ())]
        return {t["subscription"]["valueReference"]["reference"].rpartition("/")[2] for t in told}

    assert ids(caller.get("Subscription/$status")) == {"iop-program", one, two}
    assert ids(caller.get(f"Subscription/$status?id={one}&id={two}&id=nobody")) == {one, two}
    assert ids(caller.get("Subscription/$status?status=off")) == {two}
    asked = {"resourceType": "Parameters", "parameter": [{"name": "id", "valueId": one}]}
    assert ids(caller.post("Subscription/$status", asked)) == {one}
    assert ids(caller.post(f"Subscription/{two}/$status", {"resourceType": "Parameters"})) == {two}
    assert caller.post(f"Subscription/{two}/$events", {"resourceType": "Patient"}).status == 400
    for got in (caller.get("Subscription/$status"), caller.get("Subscription/$status?id=nobody")):
        issues = caller.post("Bundle/$validate", got.tree).issues
        assert {i["severity"] for i in issues} <= {"information", "warning"}, issues


def test_the_capability_statement_names_the_topic(quiet: SubscribedHouse) -> None:
    statement = quiet.nobody.get("metadata").tree
    assert statement["instantiates"] == [
        "http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4"
    ]
    (declared,) = (each for each in statement["rest"][0]["resource"] if each["type"] == "Subscription")
    topics = [e["valueCanonical"] for e in declared["extension"] if e["url"].endswith("subscriptiontopic-canonical")]
    assert topics == [TOPIC]
    assert declared["supportedProfile"] == [f"{BACKPORT}subscription"]
    assert {"read", "create", "update", "delete"} <= {each["code"] for each in declared["interaction"]}


def test_the_topic_is_published_with_every_filter(quiet: SubscribedHouse, receiver: Caller) -> None:
    publish_pathways(quiet.house.store, {}, quiet.house.clock.now(), definitions("Basic"))
    (key,) = receiver.search("Basic?code=http://hl7.org/fhir/fhir-types|SubscriptionTopic")
    tree = receiver.get(key).tree
    told: dict[str, list[dict[str, str]]] = {}
    for each in tree["extension"]:
        parts = {
            part["url"]: str(value) for part in each.get("extension", ()) for n, value in part.items() if n != "url"
        }
        told.setdefault(each["url"].rpartition(".")[2], []).append(parts or {"": each.get("valueUri", "")})
    assert told["url"] == [{"": TOPIC}]
    assert {each["filterParameter"]: each["description"] for each in told["canFilterBy"]} == dict(FILTERS)
    assert {each["resource"] for each in told["canFilterBy"]} == {"Task"}


def test_an_end_in_the_future_is_kept(quiet: SubscribedHouse, receiver: Caller) -> None:
    end = (quiet.house.clock.now() + timedelta(hours=1)).isoformat()
    assert receiver.post("Subscription", subscription(URL, end=end)).tree["end"] == end
