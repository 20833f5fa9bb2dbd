"""Every status × target × party: obeyed as the table says, or refused in words that say who may do what."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.domain import events
from adapter.domain.errors import BusinessRule
from adapter.domain.task_status import (
    NON_TERMINAL,
    RESPONSIBLE,
    STATUSES,
    TERMINAL,
    TRANSITIONS,
    Party,
    Side,
    allowed_next,
    check_status_reason,
    check_transition,
)

INITIATOR, RECIPIENT, NOBODY = Party(is_requester=True), Party(is_owner=True), Party()
RECIPIENT_ASKED_TO_ABORT = Party(is_owner=True, abort_requested=True)
BOTH = Party(is_requester=True, is_owner=True)
SHUT_OUT = (Party(is_requester=True, recipient_shut_out=True), Party(is_owner=True, recipient_shut_out=True))
PARTIES = (
    *(INITIATOR, RECIPIENT, NOBODY, RECIPIENT_ASKED_TO_ABORT, BOTH, Party(is_requester=True, abort_requested=True)),
    *SHUT_OUT,
)

# The table of the design, written down a second time and by hand: who may move what.
BY_INITIATOR = {
    (None, "draft"),
    (None, "requested"),
    ("draft", "requested"),
    ("requested", "cancelled"),
    ("received", "cancelled"),
    ("accepted", "cancelled"),
    *((status, "entered-in-error") for status in NON_TERMINAL),
}
BY_RECIPIENT = {
    ("requested", "received"),
    ("requested", "accepted"),
    ("received", "accepted"),
    ("requested", "rejected"),
    ("received", "rejected"),
    ("accepted", "in-progress"),
    ("accepted", "on-hold"),
    ("in-progress", "on-hold"),
    ("on-hold", "in-progress"),
    ("accepted", "failed"),
    ("in-progress", "failed"),
    ("on-hold", "failed"),
    ("in-progress", "completed"),
}
AFTER_ABORT_REQUEST = {("in-progress", "cancelled"), ("on-hold", "cancelled")}


def permitted(current: str | None, target: str, party: Party) -> bool:
    step = (current, target)
    return (
        (step in BY_INITIATOR and party.is_requester)
        or (step in BY_RECIPIENT and party.is_owner)
        or (step in AFTER_ABORT_REQUEST and party.is_owner and (party.abort_requested or party.is_requester))
        or (step in AFTER_ABORT_REQUEST and party.is_requester and party.recipient_shut_out)
    )


@pytest.mark.parametrize("party", PARTIES)
def test_every_status_target_and_party_is_obeyed_or_refused(party: Party) -> None:
    for current, target in product((None, *STATUSES, "ready", "bogus"), (*STATUSES, "ready", "bogus")):
        if permitted(current, target, party):
            step = check_transition(current, target, party)
            assert (step.source, step.target) == (current, target)
        else:
            with pytest.raises(BusinessRule) as refused:
                check_transition(current, target, party)
            (issue,) = refused.value.issues
            assert (issue.code, issue.expression) == ("business-rule", "Task.status")
            assert f"`{target}`" in issue.text
            assert current is None or f"`{current}`" in issue.text
            assert "Next, " in issue.text


def test_the_table_holds_no_step_beyond_those_of_the_design() -> None:
    assert set(TRANSITIONS) == BY_INITIATOR | BY_RECIPIENT | AFTER_ABORT_REQUEST


@given(st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from(PARTIES)), max_size=30))
def test_no_sequence_of_requests_leaves_the_table_or_a_terminal_status(
    requests: list[tuple[str, Party]],
) -> None:
    current: str | None = None
    for target, party in requests:
        try:
            step = check_transition(current, target, party)
        except BusinessRule:
            continue
        assert current not in TERMINAL
        current = step.target
        assert current in STATUSES


def test_terminal_statuses_are_those_that_lead_nowhere() -> None:
    assert {"rejected", "cancelled", "failed", "completed", "entered-in-error"} == TERMINAL
    assert all(not allowed_next(status) for status in TERMINAL)
    assert all(allowed_next(status) for status in NON_TERMINAL)


def test_each_status_has_one_responsible_side_whichever_way_it_was_reached() -> None:
    for step in TRANSITIONS.values():
        assert RESPONSIBLE[step.target] is step.responsible
    held_by_recipient = {status for status, side in RESPONSIBLE.items() if side is Side.OWNER}
    assert held_by_recipient == {"accepted", "in-progress", "on-hold", "completed"}


def test_only_acceptance_moves_responsibility_to_the_recipient() -> None:
    moving = [
        step
        for step in TRANSITIONS.values()
        if step.responsible is Side.OWNER and (step.source is None or RESPONSIBLE[step.source] is Side.REQUESTER)
    ]
    assert {step.target for step in moving} == {"accepted"}
    assert all(step.gate == "accept" and step.who is Side.OWNER for step in moving)


def test_gates_stand_before_requested_accepted_and_completed_and_nowhere_else() -> None:
    stage_of = {"requested": "request", "accepted": "accept", "completed": "complete"}
    assert all(step.gate == stage_of.get(step.target) for step in TRANSITIONS.values())


def test_giving_a_person_back_and_pausing_need_a_reason() -> None:
    needing = {step.target for step in TRANSITIONS.values() if step.needs_status_reason}
    assert needing == {"rejected", "cancelled", "on-hold", "failed"}
    step = check_transition("requested", "rejected", RECIPIENT)
    check_status_reason(step, has_reason=True)
    with pytest.raises(BusinessRule) as refused:
        check_status_reason(step, has_reason=False)
    assert refused.value.issues[0].expression == "Task.statusReason"


def test_a_refusal_says_what_is_what_was_asked_and_who_may_do_what_next() -> None:
    with pytest.raises(BusinessRule) as refused:
        check_transition("requested", "accepted", INITIATOR)
    assert refused.value.issues[0].text == (
        "Task.status is `requested`; asked for `accepted`, which only the recipient may do; the asking organisation is "
        "the initiator. Next, the initiator may set `cancelled`, `entered-in-error`; the recipient may set `received`, "
        "`accepted`, `rejected`"
    )


def test_a_handoff_in_progress_is_cancelled_by_the_recipient_after_the_initiator_asked() -> None:
    with pytest.raises(BusinessRule, match="code `abort`"):
        check_transition("in-progress", "cancelled", INITIATOR)
    with pytest.raises(BusinessRule, match="code `abort`"):
        check_transition("in-progress", "cancelled", RECIPIENT)
    assert check_transition("in-progress", "cancelled", RECIPIENT_ASKED_TO_ABORT).responsible is Side.REQUESTER


def test_an_internal_handoff_needs_no_abort_request_of_itself() -> None:
    assert Party.of("clinic", "clinic", "clinic") == BOTH
    assert check_transition("in-progress", "cancelled", BOTH).target == "cancelled"


def test_a_party_is_known_by_its_organisation() -> None:
    assert Party.of("a", "a", "b") == INITIATOR
    assert Party.of("b", "a", "b", abort_requested=True) == RECIPIENT_ASKED_TO_ABORT
    assert Party.of("c", "a", "b") == NOBODY


def test_every_status_writes_an_event_of_its_own() -> None:
    assert set(events.OF_STATUS) == set(STATUSES)
    assert len(set(events.OF_STATUS.values())) == len(STATUSES)
    assert set(events.OF_STATUS.values()) <= set(events.KINDS)
    named = {value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)}
    assert named == set(events.KINDS)
