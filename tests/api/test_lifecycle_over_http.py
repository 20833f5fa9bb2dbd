"""The lifecycle as a partner meets it: who may do what, what a refusal says, and who reads what when."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from whole_house import RECEIVER, SENDER, THIRD, Begun, Caller, Got, Tree, WholeHouse, bundle, entry, referral

from adapter.domain.task_status import STATUSES, TERMINAL, TRANSITIONS, Side, allowed_next

REASON = "no place is free"
WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "draft": (),
    "requested": (),
    "received": ((RECEIVER, "received"),),
    "accepted": ((RECEIVER, "accepted"),),
    "rejected": ((RECEIVER, "rejected"),),
    "cancelled": ((SENDER, "cancelled"),),
    "in-progress": ((RECEIVER, "accepted"), (RECEIVER, "in-progress")),
    "on-hold": ((RECEIVER, "accepted"), (RECEIVER, "on-hold")),
    "failed": ((RECEIVER, "accepted"), (RECEIVER, "failed")),
    "completed": ((RECEIVER, "accepted"), (RECEIVER, "in-progress"), (RECEIVER, "completed")),
    "entered-in-error": ((SENDER, "entered-in-error"),),
}


def at_status(house: WholeHouse, status: str) -> Begun:
    begun = house.begin(**({"status": "draft"} if status == "draft" else {}))
    for who, target in WAYS[status]:
        reason = REASON if target in {"rejected", "cancelled", "on-hold", "failed"} else None
        moved = house.caller(who).move(begun.task, target, reason=reason)
        assert moved.status == 200, moved.tree
    return begun


def current(house: WholeHouse, begun: Begun) -> Tree:
    tree: Tree = house.caller(SENDER).get(begun.task).tree
    return tree


@pytest.mark.parametrize("status", STATUSES)
def test_every_step_that_the_table_does_not_list_is_refused_with_status_and_next_steps(
    house: WholeHouse, status: str
) -> None:
    begun = at_status(house, status)
    version = current(house, begun)["meta"]["versionId"]
    for who, side in ((SENDER, Side.REQUESTER), (RECEIVER, Side.OWNER)):
        caller = house.caller(who)
        if caller.get(begun.task).status == 404:
            unseen = caller.move(begun.task, "accepted", if_match=f'W/"{version}"')
            assert unseen.status == 404, (who, status)
            continue
        for target in STATUSES:
            step = TRANSITIONS.get((status, target))
            if target == status or (step and step.who is side and not step.after_abort_request):
                continue
            refused = caller.move(begun.task, target, reason=REASON, if_match=f'W/"{version}"')
            assert (refused.status, refused.code) == (422, "business-rule"), (who, status, target, refused.tree)
            assert refused.expression == "Task.status"
            assert f"`{status}`" in refused.text
            assert f"`{target}`" in refused.text
            for following in allowed_next(status):
                assert f"`{following.target}`" in refused.text
                assert following.who.value in refused.text
            if status in TERMINAL:
                assert "final" in refused.text
    assert current(house, begun)["meta"]["versionId"] == version


def test_every_step_that_the_table_lists_is_taken_by_the_side_that_it_names(house: WholeHouse) -> None:
    taken = set()
    for (source, target), step in TRANSITIONS.items():
        if source is None or step.after_abort_request:
            continue
        begun = at_status(house, source)
        who = SENDER if step.who is Side.REQUESTER else RECEIVER
        if step.needs_status_reason and source != "on-hold":  # which has given one that still stands
            silent = house.caller(who).move(begun.task, target)
            assert (silent.status, silent.expression) == (422, "Task.statusReason"), silent.tree
            assert target in silent.text
        moved = house.caller(who).move(begun.task, target, reason=REASON)
        assert (moved.status, moved.tree["status"]) == (200, target), moved.tree
        shown = house.caller(SENDER).get(f"/handoffs/{begun.id}").tree
        assert shown["status"] == target
        assert shown["responsible"] == (SENDER if step.responsible is Side.REQUESTER else RECEIVER)
        assert shown["timeline"][-1]["status_to"] == target
        taken.add((source, target))
    assert len(taken) > 20


def test_the_reason_of_an_earlier_hold_does_not_say_why_the_recipient_fails_now(house: WholeHouse) -> None:
    begun, recipient = at_status(house, "on-hold"), house.caller(RECEIVER)
    assert recipient.move(begun.task, "in-progress").status == 200
    left = recipient.move(begun.task, "failed")
    assert (left.status, left.expression) == (422, "Task.statusReason"), left.tree
    assert recipient.move(begun.task, "failed", reason="the person moved away").status == 200


def test_an_unmet_gate_names_what_is_missing_and_where_it_belongs(sender: Caller) -> None:
    pathway = "https://handoff.example/fhir/PlanDefinition/mobile-crisis-to-outpatient"
    refused = sender.post("", referral(instantiatesCanonical=pathway))
    assert (refused.status, refused.code) == (422, "business-rule")
    assert len(refused.issues) >= 4
    assert all(issue.get("expression") and issue["details"]["text"] for issue in refused.issues)
    assert any(
        "CarePlan" in issue["expression"][0] or "CarePlan" in issue["details"]["text"] for issue in refused.issues
    )
    assert any("Task" in issue["expression"][0] or "entry[2]" in issue["expression"][0] for issue in refused.issues)


# The version that was decided on


@pytest.mark.parametrize("method", ["PUT", "PATCH", "transaction PUT"])
def test_a_change_of_a_task_must_name_the_version_that_it_was_decided_on(
    house: WholeHouse, receiver: Caller, method: str
) -> None:
    begun = house.begin()
    seen = receiver.get(begun.task)

    def accept(if_match: str | None) -> Got:
        tree = {**seen.tree, "status": "accepted"}
        del tree["meta"]
        given = {"If_Match": if_match} if if_match else {}
        if method == "PUT":
            return receiver.put(begun.task, tree, **given)
        if method == "PATCH":
            return receiver.patch(begun.task, [{"op": "replace", "path": "/status", "value": "accepted"}], **given)
        return receiver.post("", bundle(entry("PUT", begun.task, tree, **({"ifMatch": if_match} if if_match else {}))))

    without = accept(None)
    assert (without.status, without.code) == (400, "required")
    assert "If-Match" in without.text
    stale = accept('W/"9"')
    assert (stale.status, stale.code) == (412, "conflict")
    assert 'W/"1"' in stale.text
    assert current(house, begun)["status"] == "requested"
    assert accept(seen.etag).status == 200
    assert accept(seen.etag).status in {200, 412}  # the bundle is the same request again; the others are late
    assert current(house, begun)["meta"]["versionId"] == "2"


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("owner", {"reference": f"Organization/{THIRD}"}),
        ("requester", {"reference": f"Organization/{RECEIVER}"}),
        ("for", {"display": "somebody else"}),
        ("focus", {"display": "something else"}),
        ("input", [{"type": {"text": "x"}, "valueString": "y"}]),
        ("intent", "plan"),
        ("authoredOn", "2020-01-01"),
        ("code", {"text": "other"}),
        ("restriction", {"repetitions": 2}),
    ],
)
def test_what_was_asked_is_fixed_once_it_is_requested(
    house: WholeHouse, sender: Caller, receiver: Caller, element: str, value: Any
) -> None:
    begun = house.begin()
    for caller in (sender, receiver):
        seen = caller.get(begun.task)
        refused = caller.put(begun.task, {**seen.tree, element: value}, If_Match=seen.etag)
        assert (refused.status, refused.code) == (422, "business-rule"), refused.tree
        assert refused.expression == f"Task.{element}"
        assert "cancel" in refused.text
    assert current(house, begun)["meta"]["versionId"] == "1"


def test_the_deadline_is_fixed_too(house: WholeHouse, receiver: Caller) -> None:
    begun = house.begin()
    seen = receiver.get(begun.task)
    extensions = [e for e in seen.tree["extension"] if "acceptance-deadline" not in e["url"]]
    assert len(extensions) < len(seen.tree["extension"]), "a handoff without a deadline"
    refused = receiver.put(begun.task, {**seen.tree, "extension": extensions}, If_Match=seen.etag)
    assert refused.status == 422
    assert "acceptance-deadline" in refused.expression


def test_only_the_owner_changes_content_while_it_works_and_nobody_afterwards(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    note = [{"op": "add", "path": "/note", "value": [{"text": "called"}]}]
    begun = at_status(house, "accepted")
    etag = sender.get(begun.task).etag
    refused = sender.patch(begun.task, note, If_Match=etag)
    assert refused.status == 422
    assert "recipient" in refused.text
    assert receiver.patch(begun.task, note, If_Match=etag).status == 200
    done = at_status(house, "completed")
    for caller in (sender, receiver):
        late = caller.patch(done.task, note, If_Match=sender.get(done.task).etag)
        assert late.status == 422
        assert "final" in late.text


# Who reads what when


def readings(begun: Begun) -> list[str]:
    keys = (begun.patient, begun.request, begun.task)
    return [
        *keys,
        *(f"{key}/_history" for key in keys),
        *(f"{key}/_history/1" for key in keys),
        f"/handoffs/{begun.id}",
    ]


def searches(begun: Begun) -> list[str]:
    return [
        *(f"{key.replace('/', '?_id=')}" for key in (begun.patient, begun.request, begun.task)),
        f"Task?_id={begun.id}&_include=Task:patient&_include=Task:focus",
        f"Patient?_id={begun.patient.split('/')[1]}&_revinclude=Task:patient",
        f"Task?patient={begun.patient}",
        f"ServiceRequest?subject={begun.patient}",
    ]


def sees(caller: Caller, begun: Begun) -> set[bool]:
    read = {caller.get(path).status == 200 for path in readings(begun)}
    assert {caller.get(path).status for path in readings(begun)} <= {200, 404}
    return read | {bool(caller.search(query)) for query in searches(begun)}


def test_a_draft_is_the_initiators_alone_until_it_is_sent(house: WholeHouse, sender: Caller, receiver: Caller) -> None:
    begun = house.begin(status="draft")
    assert sees(sender, begun) == {True}
    assert sees(receiver, begun) == {False}
    note = [{"op": "add", "path": "/note", "value": [{"text": "not yet"}]}]
    assert sender.patch(begun.task, note, If_Match='W/"1"').status == 200
    assert sees(receiver, begun) == {False}
    assert sender.move(begun.task, "requested").status == 200
    assert sees(receiver, begun) == {True}, "the versions of the draft are part of what was sent"


def test_rejecting_ends_reading_everywhere_and_at_once(house: WholeHouse, sender: Caller, receiver: Caller) -> None:
    begun = house.begin()
    assert sees(receiver, begun) == {True}
    assert receiver.move(begun.task, "rejected", reason=REASON).status == 200
    assert sees(receiver, begun) == {False}
    assert sees(sender, begun) == {True}
    assert current(house, begun)["statusReason"]["text"] == REASON


def test_a_rejected_request_is_rerouted_by_a_new_task_for_the_same_service_request(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    begun = house.begin()
    receiver.move(begun.task, "rejected", reason=REASON)
    task = referral(owner="case-management")["entry"][2]["resource"]
    task |= {"focus": {"reference": begun.request}, "for": {"reference": begun.patient}}
    sent = sender.post("Task", task)
    assert sent.status == 201, sent.tree
    anew = Begun(begun.patient, begun.request, f"Task/{sent.tree['id']}")
    other = house.caller("case-management")
    assert [other.get(key).status for key in (anew.patient, anew.request, anew.task, begun.task)] == [
        200,
        200,
        200,
        404,
    ]
    assert sees(receiver, begun) == {False}, "the first recipient sees nothing of the second round"
    assert other.move(anew.task, "accepted").status == 200
    assert sender.get(f"/handoffs/{anew.id}").tree["responsible"] == "case-management"


def test_an_abort_is_asked_for_by_a_task_and_confirmed_by_the_recipient(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    begun = at_status(house, "in-progress")
    alone = receiver.move(begun.task, "cancelled", reason=REASON)
    assert alone.status == 422
    assert "abort" in alone.text
    assert sender.move(begun.task, "cancelled", reason=REASON).status == 422
    ask = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "abort"}]},
        "focus": {"reference": begun.task},
        "requester": {"reference": f"Organization/{SENDER}"},
        "owner": {"reference": f"Organization/{RECEIVER}"},
    }
    assert house.caller(THIRD).post("Task", ask).status == 400, "a foreign Task is as if it did not exist"
    assert receiver.post("Task", {**ask, "requester": {"reference": f"Organization/{RECEIVER}"}}).status == 422
    asked = sender.post("Task", ask)
    assert asked.status == 201, asked.tree
    assert receiver.get(f"Task/{asked.tree['id']}").status == 200
    confirmed = receiver.move(begun.task, "cancelled", reason="as asked")
    assert confirmed.status == 200, confirmed.tree
    assert sender.get(f"/handoffs/{begun.id}").tree["responsible"] == SENDER


# In whose name, and whose resource


def test_nobody_sends_in_anothers_name(house: WholeHouse, receiver: Caller) -> None:
    refused = receiver.post("", referral(sender=SENDER, owner=THIRD))
    assert (refused.status, refused.code) == (403, "forbidden")
    assert refused.expression == "Bundle.entry[2].resource.requester"
    taken = receiver.post("", referral(sender=RECEIVER, owner=THIRD))
    assert taken.status == 200, taken.tree


def test_the_recipient_reads_what_it_was_sent_and_changes_none_of_it(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    begun = house.begin()
    for key in (begun.patient, begun.request):
        seen = receiver.get(key)
        attempts = [
            receiver.put(key, seen.tree, If_Match=seen.etag),
            receiver.put(key, seen.tree),
            receiver.patch(key, [{"op": "add", "path": "/language", "value": "en"}]),
            receiver.post("", bundle(entry("PUT", key, seen.tree))),
        ]
        for refused in attempts:
            assert (refused.status, refused.code) == (403, "forbidden"), refused.tree
        assert receiver.delete(key).status in {403, 422}
        assert sender.get(key).raw == seen.raw


def test_what_was_sent_in_a_handoff_is_not_deleted_but_entered_in_error(house: WholeHouse, sender: Caller) -> None:
    begun = house.begin()
    for key in (begun.patient, begun.request, begun.task):
        refused = sender.delete(key)
        assert refused.status == 422
        assert "entered-in-error" in refused.text
        assert sender.get(key).status == 200


def test_a_deleted_draft_is_withdrawn_and_cannot_be_sent_any_more(house: WholeHouse, sender: Caller) -> None:
    begun = house.begin(status="draft")
    task = sender.get(begun.task)
    assert sender.delete(begun.task).status == 204
    assert sender.get(begun.task).status == 410
    assert sender.get(f"/handoffs/{begun.id}").tree["status"] == "entered-in-error"
    for etag in ({}, {"If_Match": 'W/"2"'}):
        late = sender.put(begun.task, {**task.tree, "status": "requested"}, **etag)
        assert (late.status, late.code) == (410, "deleted"), late.tree
    assert [sender.delete(key).status for key in (begun.patient, begun.request)] == [204, 204]


def test_a_recipients_own_evidence_is_read_by_both_and_by_nobody_else(
    house: WholeHouse, sender: Caller, receiver: Caller, third: Caller
) -> None:
    begun = at_status(house, "accepted")
    told = receiver.post(
        "Communication",
        {
            "resourceType": "Communication",
            "status": "completed",
            "about": [{"reference": begun.task}],
            "subject": {"reference": begun.patient},
            "sent": "2026-03-01T10:00:00Z",
        },
    )
    assert told.status == 201, told.tree
    key = f"Communication/{told.tree['id']}"
    assert [caller.get(key).status for caller in (sender, receiver, third)] == [200, 200, 404]
    assert any(event["detail"].get("resource") == key for event in sender.get(f"/handoffs/{begun.id}").tree["timeline"])


def test_a_handoff_says_who_holds_the_person_and_what_is_awaited_by_when(house: WholeHouse, sender: Caller) -> None:
    begun = house.begin()
    shown = sender.get(f"/handoffs/{begun.id}").tree
    assert shown["responsible"] == SENDER
    assert shown["next_action"]["code"] == "answer"
    assert shown["next_action"]["who"] == RECEIVER
    assert shown["next_action"]["by"] == shown["acceptance_deadline"]
    urls = {extension["url"].rpartition("/")[2] for extension in current(house, begun)["extension"]}
    assert urls == {"acceptance-deadline", "responsible", "next-action"}


@pytest.mark.parametrize(
    ("status", "expected"), [("received", "awaiting-acceptance"), ("accepted", None), ("rejected", None)]
)
def test_what_was_awaited_is_not_awaited_any_more_once_it_is_answered(
    house: WholeHouse, sender: Caller, status: str, expected: str | None
) -> None:
    begun = at_status(house, status)
    codes = [coding["code"] for coding in current(house, begun).get("businessStatus", {}).get("coding", ())]
    assert codes == ([expected] if expected else [])
    assert sender.get(f"/handoffs/{begun.id}").tree["business_status"] == expected


def test_a_business_status_that_the_recipient_sets_is_kept(house: WholeHouse, sender: Caller, receiver: Caller) -> None:
    begun = house.begin(businessStatus={"text": "ours", "coding": [{"system": "urn:local", "code": "x"}]})
    system = "https://handoff.example/fhir/CodeSystem/handoff-status"
    booked = {"coding": [{"system": system, "code": "appointment-booked"}]}
    operations = [
        {"op": "replace", "path": "/status", "value": "accepted"},
        {"op": "add", "path": "/businessStatus", "value": booked},
    ]
    assert receiver.patch(begun.task, operations, If_Match='W/"1"').status == 200
    assert receiver.move(begun.task, "in-progress").status == 200
    assert current(house, begun)["businessStatus"] == booked
    assert sender.get(f"/handoffs/{begun.id}").tree["business_status"] == "appointment-booked"


def test_every_status_is_reached_by_these_tests() -> None:
    assert set(WAYS) == set(STATUSES)
    assert set(itertools.chain.from_iterable(TRANSITIONS)) - {None} == set(STATUSES)
