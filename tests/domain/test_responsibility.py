"""Every status names the responsible organisation, the next action and its clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapter.domain.handoff import NextAction
from adapter.domain.responsibility import ACTIONS, next_action, responsible
from adapter.domain.task_status import STATUSES

DEADLINE = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTACT = datetime(2026, 3, 2, 12, tzinfo=UTC)
VISIT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CARE = datetime(2026, 3, 3, 9, tzinfo=UTC)


def action(status: str, **clocks: datetime | bool | None) -> NextAction:
    return next_action(status, "initiator", "recipient", **clocks)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_responsible_organisation_and_a_known_next_action(status: str) -> None:
    assert responsible(status, "initiator", "recipient") in {"initiator", "recipient"}
    assert action(status).code in ACTIONS
    assert action(status).who in {"initiator", "recipient"}


@pytest.mark.parametrize("status", ["draft", "requested", "received", "rejected", "failed", "cancelled"])
def test_the_initiator_holds_the_person_until_acceptance_and_after_a_return(status: str) -> None:
    assert responsible(status, "initiator", "recipient") == "initiator"


@pytest.mark.parametrize("status", ["accepted", "in-progress", "on-hold", "completed"])
def test_the_recipient_holds_the_person_from_acceptance_on(status: str) -> None:
    assert responsible(status, "initiator", "recipient") == "recipient"


def test_an_unanswered_request_awaits_the_recipient_by_the_acceptance_deadline() -> None:
    for status in ("requested", "received"):
        assert action(status, acceptance_deadline=DEADLINE) == NextAction("answer", "recipient", DEADLINE)


def test_the_first_contact_is_due_at_the_appointment_or_else_by_its_clock() -> None:
    accepted = NextAction("make-first-contact", "recipient", VISIT)
    assert action("accepted", first_contact_due=CONTACT, appointment=VISIT) == accepted
    assert action("accepted", first_contact_due=CONTACT).by == CONTACT
    assert action("on-hold", first_contact_due=CONTACT) == NextAction("resume", "recipient", CONTACT)
    assert action("in-progress", appointment=VISIT) == NextAction("complete", "recipient", VISIT)


def test_a_returned_person_awaits_the_initiator() -> None:
    for status in ("rejected", "failed", "cancelled"):
        assert action(status, arrange_care_due=CARE) == NextAction("arrange-care", "initiator", CARE)


def test_an_open_abort_request_awaits_the_recipients_confirmation() -> None:
    assert action("in-progress", abort_requested=True).code == "confirm-abort"
    assert action("requested", abort_requested=True).code == "answer"
