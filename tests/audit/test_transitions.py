"""Where each version of a handoff's Task comes from: a Provenance for every transition, made of the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from whole_house import RECEIVER, SENDER, Begun, Caller, WholeHouse

from adapter.validation import check

Tree = dict[str, Any]


def transitions(caller: Caller, begun: Begun) -> list[Tree]:
    found = caller.get(f"Provenance?target={begun.task}")
    assert found.status == 200, found.tree
    return [e["resource"] for e in found.tree.get("entry", ())]


@pytest.fixture(scope="module")
def moved(house: WholeHouse) -> Begun:
    begun, receiver = house.begin(), house.caller(RECEIVER)
    for status in ("received", "accepted", "in-progress"):
        assert receiver.move(begun.task, status).status == 200
    assert receiver.move(begun.task, "on-hold", reason="no bed until Monday").status == 200
    # A change that is no transition: it makes a version and no Provenance.
    task = receiver.get(begun.task)
    note = [{"op": "add", "path": "/note", "value": [{"text": "seen"}]}]
    assert receiver.patch(begun.task, note, If_Match=task.etag).status == 200
    return begun


def test_each_transition_says_what_when_who_and_why(moved: Begun, sender: Caller) -> None:
    told = [
        (
            each["id"],
            each["target"][0]["reference"],
            [coding["code"] for coding in each["activity"]["coding"]],
            each["agent"][0]["who"]["reference"],
            each.get("reason"),
        )
        for each in transitions(sender, moved)
    ]
    kinds = ["requested", "received", "accepted", "started", "put-on-hold"]
    assert told == [
        (
            f"{moved.id}.{version}",
            f"{moved.task}/_history/{version}",
            [f"handoff-{kind}", "CREATE" if version == 1 else "UPDATE"],
            f"Organization/{SENDER if version == 1 else RECEIVER}",
            [{"text": "no bed until Monday"}] if kind == "put-on-hold" else None,
        )
        for version, kind in enumerate(kinds, 1)
    ]


def test_it_is_a_valid_resource_with_the_times_of_its_version(moved: Begun, sender: Caller) -> None:
    for each in transitions(sender, moved):
        assert check(each) == []
        version = sender.get(each["target"][0]["reference"]).tree
        assert each["recorded"] == version["meta"]["lastUpdated"]
        assert each["occurredDateTime"] <= each["recorded"]


def test_it_is_read_by_its_id_and_comes_with_its_task(moved: Begun, receiver: Caller) -> None:
    first, *_ = transitions(receiver, moved)
    for address in (f"Provenance/{moved.id}.1", f"Provenance/{moved.id}.1/_history/1"):
        assert receiver.get(address).tree == first
    assert receiver.get(f"Provenance/{moved.id}.6").status == 404, "that version was no transition"
    with_task = receiver.search(f"Task?_id={moved.id}&_revinclude=Provenance:target")
    assert with_task == [moved.task, *(f"Provenance/{moved.id}.{version}" for version in range(1, 6))]


def test_pages_hold_what_partners_sent_and_then_the_transitions(
    house: WholeHouse, moved: Begun, receiver: Caller
) -> None:
    sent = receiver.post("Provenance", {
        "resourceType": "Provenance", "target": [{"reference": moved.task}], "recorded": "2026-03-01T10:00:00Z",
        "agent": [{"who": {"reference": f"Organization/{RECEIVER}"}}],
    })  # fmt: skip
    assert sent.status == 201, sent.tree
    whole = receiver.search(f"Provenance?target={moved.task}")
    assert whole == [f"Provenance/{sent.tree['id']}", *(f"Provenance/{moved.id}.{n}" for n in range(1, 6))]
    for size in (1, 2, 5, 6):
        paged: list[str] = []
        link: str | None = f"Provenance?target={moved.task}&_count={size}"
        while link:
            page = receiver.get(link)
            found = [e["resource"]["id"] for e in page.tree.get("entry", ())]
            assert len(found) <= size
            paged += [f"Provenance/{id}" for id in found]
            following = [each["url"] for each in page.tree["link"] if each["relation"] == "next"]
            link = following[0].partition("/fhir/")[2] if following else None
        assert paged == whole


def test_who_may_not_read_the_version_may_not_read_where_it_comes_from(
    house: WholeHouse, sender: Caller, receiver: Caller, third: Caller, moved: Begun
) -> None:
    assert third.get(f"Provenance/{moved.id}.1").status == 404
    assert transitions(third, moved) == []
    rejected = house.begin()
    receiver.move(rejected.task, "rejected", reason="full")
    assert receiver.get(f"Provenance/{rejected.id}.2").status == 404, "rejection ends reading"
    assert [each["id"] for each in transitions(sender, rejected)] == [f"{rejected.id}.1", f"{rejected.id}.2"]
    draft = house.begin(status="draft")
    assert transitions(receiver, draft) == []
    assert len(transitions(sender, draft)) == 1


def test_one_of_the_people_named_in_the_task_acts_on_behalf_of_the_organisation(
    house: WholeHouse, sender: Caller
) -> None:
    role = sender.post(
        "PractitionerRole",
        {"resourceType": "PractitionerRole", "organization": {"reference": f"Organization/{SENDER}"}},
    )
    begun = house.begin(requester={"reference": f"PractitionerRole/{role.tree['id']}"})
    (first,) = transitions(sender, begun)
    (agent,) = first["agent"]
    assert agent["who"] == {"reference": f"PractitionerRole/{role.tree['id']}"}
    assert agent["onBehalfOf"] == {"reference": f"Organization/{SENDER}"}


def test_nobody_writes_one(moved: Begun, sender: Caller) -> None:
    shown = sender.get(f"Provenance/{moved.id}.1").tree
    assert sender.put(f"Provenance/{shown['id']}", shown).status == 405
    assert sender.get(f"Provenance/{shown['id']}").tree == shown
