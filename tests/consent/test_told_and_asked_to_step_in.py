"""Who is told of a restricted handoff, or asked to step in, gets no more of it than the person's Consent opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapter.delivery import message, rest_hook
from adapter.domain.partner import Channel, Partner
from adapter.storage.connections import driver_of
from adapter.storage.kept_disclosure import WITHHELD, withheld_from
from adapter.use_cases.check_deadlines import check_deadlines
from adapter.use_cases.deliver import drain_lane
from adapter.use_cases.delivery_ports import Delivery, Outcome, Result
from adapter.worker import make_worker
from mappings.json_codec import decode
from tests.consent.records import (
    CLINIC,
    NOTICE,
    OTHER,
    OUTPATIENT,
    PART2,
    Clinic,
    Sent,
    condition,
    consent,
    found,
    permission,
)
from tests.small_house import FixedRegister, partner
from tests.whole_house import Tree

ESCALATION_OWNER = "crisis-stabilization"
BASE = "http://127.0.0.1:8080/fhir"


class Mail:
    """What would leave the house, composed as the channels compose it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, channel: Channel | None, delivery: Delivery) -> Outcome:
        assert channel is not None
        if channel.type == "message":
            self.sent.append(message.compose(delivery, channel, BASE))
        else:
            self.sent.append(rest_hook.compose(delivery, BASE))
        return Outcome(Result.DELIVERED, "200")


def told(clinic: Clinic, handoff: str, *subscribers: Partner) -> list[Tree]:
    """Drain the lanes of this handoff; the Bundles that went out."""
    house = clinic.house.house
    mail = Mail()
    made = make_worker(house.world, house.store, house.database_url, production=False, concurrency=2).courier
    courier = replace(made, register=FixedRegister(*subscribers), channels=mail)
    for subscriber in subscribers:
        drain_lane(courier, f"{subscriber.id}:{handoff}")
    return [decode(body) for body in mail.sent]


def subscriber(id: str = OUTPATIENT, type: str = "rest-hook", **more: Any) -> Partner:
    return partner(id, Channel(type=type, endpoint="http://127.0.0.1:9/hook", **more))


def shown(bundle: Tree) -> set[str]:
    return {e["resource"]["resourceType"] for e in bundle["entry"]} - {"Parameters", "MessageHeader"}


def test_a_notification_names_and_shows_nothing_unless_a_partner_asked_for_more(clinic: Clinic) -> None:
    sent = clinic.begin()
    (bundle,) = told(clinic, sent.id, subscriber())
    assert Channel(type="rest-hook", endpoint="x").payload == "id-only"
    assert shown(bundle) == set()
    assert "security" not in bundle["meta"]
    assert "Canaryname" not in str(bundle) and "Opioid" not in str(bundle)


def test_a_notification_with_content_carries_the_label_and_the_notice(clinic: Clinic) -> None:
    sent = clinic.begin()
    (bundle,) = told(clinic, sent.id, subscriber(payload="full-resource"))
    assert shown(bundle) == {"Task"}
    assert {label["code"] for label in bundle["meta"]["security"]} == {"R", "42CFRPart2", "NORDSCLCD"}
    assert bundle["meta"]["extension"][0]["valueAnnotation"]["text"] == NOTICE


def test_what_waits_when_the_consent_ends_is_told_by_reference(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.revoke(sent)
    bundles = told(clinic, sent.id, subscriber(payload="full-resource"))
    assert {frozenset(shown(bundle)) for bundle in bundles} == {frozenset()}
    assert all("security" not in bundle["meta"] for bundle in bundles)
    delivered = [line for line in clinic.ledger(sent) if line["kind"] == "delivery:delivered"]
    assert {line["detail"]["withheld"] for line in delivered} == {"no-consent"}


def test_what_waits_when_the_consent_runs_out_is_told_by_reference_though_no_clock_fired(clinic: Clinic) -> None:
    until = permission(OUTPATIENT, period={"end": clinic.in_an_hour()})
    sent = clinic.begin(consents=(consent("", until),))
    clinic.clock.go_on(timedelta(hours=1))
    (bundle,) = told(clinic, sent.id, subscriber(payload="full-resource"))
    assert shown(bundle) == set()


def test_a_message_brings_all_of_it_with_the_notice_and_a_copy_of_the_consent(clinic: Clinic) -> None:
    sent = clinic.begin()
    (bundle,) = told(clinic, sent.id, subscriber(type="message"))
    assert shown(bundle) == {"Task", "ServiceRequest", "Patient", "Condition", "Consent"}
    assert {label["code"] for label in bundle["meta"]["security"]} == {"R", "42CFRPart2", "NORDSCLCD"}
    assert bundle["meta"]["extension"][0]["valueAnnotation"]["text"] == NOTICE


def test_a_message_brings_nothing_after_the_consent_was_taken_back(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.revoke(sent)
    bundles = told(clinic, sent.id, subscriber(type="message"))
    assert {frozenset(shown(bundle)) for bundle in bundles} == {frozenset()}
    assert "Opioid" not in str(bundles)


@pytest.fixture
def unanswered(clinic: Clinic) -> Iterator[Sent]:
    """Nobody answers: an alternate contact is told, an escalation owner asked."""
    sent = clinic.begin()
    clinic.clock.go_on(timedelta(days=6))
    while check_deadlines(clinic.house.house.world):
        pass
    yield sent


def withheld(ledger: Sequence[Tree], kind: str = "disclosure:withheld") -> dict[str, str]:
    lines = [line["detail"] for line in ledger if line["kind"] == kind]
    return {line["organisation"]: line["reason"] for line in lines}


def test_the_ladder_climbs_and_whoever_is_asked_sees_that_somebody_needs_help_and_not_who(
    clinic: Clinic, unanswered: Sent
) -> None:
    ledger = clinic.ledger(unanswered)
    kinds = {line["kind"] for line in ledger}
    assert {"ladder:alternate-told", "ladder:escalated", "ladder:flagged-for-review"} <= kinds
    assert withheld(ledger) == {OTHER: "other-recipient", ESCALATION_OWNER: "other-recipient"}
    for asked in (OTHER, ESCALATION_OWNER):
        for key in (unanswered.task, unanswered.request, unanswered.condition, unanswered.patient):
            assert clinic.caller(asked).get(key).status == 404
    child = next(line["detail"]["task"] for line in ledger if line["kind"] == "ladder:escalated")
    seen = clinic.caller(ESCALATION_OWNER).get(child)
    assert (seen.status, seen.tree["requester"]["reference"]) == (200, f"Organization/{CLINIC}")
    plain = clinic.caller(ESCALATION_OWNER).get(f"/handoffs/{child.removeprefix('Task/')}")
    assert (plain.status, plain.tree["part_of"]) == (200, unanswered.id)
    assert "Canaryname" not in plain.raw.decode() and "Opioid" not in plain.raw.decode()
    assert clinic.recipient.get(unanswered.task).status == 200
    (bundle,) = told(clinic, unanswered.id, subscriber(OTHER, payload="full-resource"))
    assert shown(bundle) == set()


def test_the_evidence_says_from_whom_it_was_withheld_and_why(clinic: Clinic, unanswered: Sent) -> None:
    document = clinic.own.get(f"{unanswered.task}/$evidence").tree
    codes = [
        e["resource"]["activity"]["coding"][0]["code"]
        for e in document["entry"]
        if e["resource"]["resourceType"] == "Provenance"
    ]
    assert codes.count("disclosure-withheld") == 2
    narrative = str(document["entry"][0]["resource"])
    assert "other-recipient" in narrative


def test_a_consent_that_names_the_escalation_owner_opens_the_handoff_for_it(clinic: Clinic, unanswered: Sent) -> None:
    given = clinic.own.post("Consent", consent(unanswered.patient, permission(OUTPATIENT, ESCALATION_OWNER)))
    assert given.status == 201
    assert clinic.caller(ESCALATION_OWNER).get(unanswered.condition).status == 200
    assert clinic.caller(OTHER).get(unanswered.condition).status == 404


def test_an_answer_is_not_refused_because_of_whom_the_ladder_asked(clinic: Clinic, unanswered: Sent) -> None:
    assert clinic.recipient.move(unanswered.task, "accepted").status == 200


def test_what_the_recipient_adds_is_not_refused_because_of_whom_the_ladder_asked(
    clinic: Clinic, unanswered: Sent
) -> None:
    clinic.recipient.post("Consent", consent(unanswered.patient, permission(CLINIC)))
    finding = condition(unanswered.patient, PART2, resourceType="Observation", status="final")
    made = clinic.recipient.post("Observation", finding | {"basedOn": [{"reference": unanswered.request}]})
    assert made.status == 201, made.tree
    assert clinic.own.get(f"Observation/{made.tree['id']}").status == 200
    assert clinic.caller(OTHER).get(f"Observation/{made.tree['id']}").status == 404


def test_the_clock_writes_down_that_a_consent_ran_out_and_tells_the_initiator(clinic: Clinic) -> None:
    until = permission(OUTPATIENT, period={"end": clinic.in_an_hour()})
    sent = clinic.begin(consents=(consent("", until),))
    clinic.clock.go_on(timedelta(hours=1))
    while check_deadlines(clinic.house.house.world):
        pass
    assert withheld(clinic.ledger(sent), "disclosure:ended") == {OUTPATIENT: "not-in-force"}
    news = told(clinic, sent.id, subscriber(CLINIC))
    assert len(news) == 1
    # From now on it is as if it had never been open.
    assert found(clinic.recipient, f"Task?_id={sent.id}") == []


def test_looking_for_what_is_withheld_or_restricted_walks_no_table(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.revoke(sent)
    store = clinic.house.house.store
    assert store.withholds_from(OUTPATIENT) and not store.withholds_from("hie-router")
    assert [h.id for h in store.system_reader().restricted_handoffs([sent.patient], CLINIC)] == [sent.id]
    with driver_of(store.engine) as driver:
        walk = "EXPLAIN SELECT id FROM handoff h WHERE (h.disclosure @> $1::jsonb OR h.disclosure @> $2::jsonb)"
        plans = [driver.rows(f"EXPLAIN {WITHHELD}", withheld_from(OUTPATIENT)), driver.rows(walk, "{}", "{}")]
    assert all("handoff_disclosure" in str(plan) and "Seq Scan" not in str(plan) for plan in plans), plans
