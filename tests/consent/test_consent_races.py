"""A Consent that is taken back while something is being disclosed by it: nobody reads by it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapter.app import create_app
from adapter.use_cases.ports import Store, WriteSet
from tests.consent.records import PART2, Clinic, condition, found
from tests.consent.test_emergency import statement
from tests.whole_house import Caller, Tree


class Interrupted:
    """A store in which something else happens between the first decision and its commit."""

    def __init__(self, store: Store, meanwhile: Callable[[], object]):
        self._store = store
        self._meanwhile: Callable[[], object] | None = meanwhile
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, write_set: WriteSet) -> None:
        self.commits += 1
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        self._store.commit(write_set)


def interrupted(
    clinic: Clinic, meanwhile: Callable[[], object], partner: str = "iop-program"
) -> tuple[Caller, Interrupted]:
    """The clinic, or a `partner`, whose first request is overtaken by `meanwhile`."""
    house = clinic.house.house
    store = Interrupted(house.store, meanwhile)
    world = replace(house.world, store=store)
    app = create_app(replace(house, world=world))
    return replace(clinic.house, app=app).caller(partner), store


def observation(patient: str, request: str) -> Tree:
    labelled = {**condition(patient, PART2), "resourceType": "Observation", "status": "final"}
    return labelled | {"basedOn": [{"reference": request}]}


def test_what_was_decided_on_a_consent_that_ends_meanwhile_is_decided_anew(clinic: Clinic) -> None:
    sent = clinic.begin()
    caller, store = interrupted(clinic, lambda: clinic.revoke(sent))
    made = caller.post("Observation", observation(sent.patient, sent.request))
    # Nobody new is disclosed to: it is kept, and withheld like all the rest.
    assert (made.status, store.commits) == (201, 2)
    assert found(clinic.recipient, f"Observation?_id={made.tree['id']}") == []
    assert clinic.recipient.get(sent.task).status == 404


def test_a_first_label_whose_consent_ends_meanwhile_is_refused(clinic: Clinic) -> None:
    sent = clinic.begin(labels=())
    caller, store = interrupted(clinic, lambda: clinic.revoke(sent))
    refused = caller.post("Observation", observation(sent.patient, sent.request))
    assert (refused.status, store.commits) == (422, 1)


def test_a_revocation_reaches_what_was_restricted_while_it_was_decided(clinic: Clinic) -> None:
    sent = clinic.begin(labels=())
    made: list[str] = []

    def label() -> None:
        made.append(clinic.own.post("Observation", observation(sent.patient, sent.request)).tree["id"])

    caller, _ = interrupted(clinic, label)
    ended = [{"op": "replace", "path": "/status", "value": "inactive"}]
    assert caller.patch(sent.consent, ended).status == 200
    assert found(clinic.recipient, f"Observation?_id={made[0]}") == []
    assert clinic.recipient.get(sent.task).status == 404


def test_an_emergency_that_was_none_shuts_what_was_restricted_while_that_was_decided(clinic: Clinic) -> None:
    sent = clinic.begin(labels=(), consents=())
    stated = statement(clinic, sent.patient, basedOn=[{"reference": sent.request}])
    mistaken = f"Communication/{clinic.own.post('Communication', stated).tree['id']}"
    made: list[str] = []

    def label() -> None:
        made.append(clinic.own.post("Observation", observation(sent.patient, sent.request)).tree["id"])

    caller, _ = interrupted(clinic, label)
    assert caller.patch(mistaken, [{"op": "remove", "path": "/reasonCode"}]).status == 200
    assert found(clinic.recipient, f"Observation?_id={made[0]}") == []
    assert clinic.recipient.get(sent.task).status == 404


def test_a_status_that_changes_while_a_consent_is_taken_back_opens_nothing(clinic: Clinic) -> None:
    sent = clinic.begin()
    caller, _ = interrupted(clinic, lambda: clinic.recipient.move(sent.task, "accepted"))
    ended = [{"op": "replace", "path": "/status", "value": "inactive"}]
    assert caller.patch(sent.consent, ended).status == 200
    assert clinic.recipient.get(sent.task).status == 404
    assert clinic.own.get(sent.task).tree["status"] == "accepted"
    # Asked about the handoff as it then is: what is to be awaited again is the first contact, and no answer any more.
    ledger = clinic.ledger(sent)
    (ended,) = (line["detail"] for line in ledger if line["kind"] == "disclosure:ended")
    assert ended["awaited"] == "make-first-contact"
    assert clinic.own.get(f"/handoffs/{sent.id}").tree["next_action"]["code"] == "renew-consent"


def test_an_answer_that_is_overtaken_by_the_end_of_its_consent_is_refused(clinic: Clinic) -> None:
    sent = clinic.begin()
    caller, _ = interrupted(clinic, lambda: clinic.revoke(sent), "outpatient-clinic")
    assert caller.move(sent.task, "accepted").status == 404
    standing = clinic.own.get(f"/handoffs/{sent.id}").tree
    assert (standing["status"], standing["next_action"]["code"]) == ("requested", "renew-consent")
