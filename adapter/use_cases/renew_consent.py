"""No Consent lets the recipient of an open handoff read it any more: the initiator has to act, for nobody else can.

The recipient goes on to hold the person, if it does, but can neither see the handoff nor answer it. So the next action
becomes the initiator's, by a clock of its own that ends on the last rung of the pathway's ladder. With a new Consent
what was awaited before is awaited again. Nothing here changes Task.status.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from adapter.domain import events
from adapter.domain.handoff import Handoff, LedgerEvent, NextAction
from adapter.domain.ladder import run_of
from adapter.domain.pathway import Pathway
from adapter.domain.responsibility import next_action
from adapter.domain.task_status import NON_TERMINAL
from adapter.use_cases.climb_ladder import Firing, flag_for_review
from adapter.use_cases.consents import Review
from adapter.use_cases.ports import Deadline, Reader, WriteSet

RENEW: Final = "renew-consent"
"""The next action, and the step of the handoff's clock by which it has to be taken."""


def follow_consent(found: Review, write_set: WriteSet, pathway: Pathway, reader: Reader, now: datetime) -> Handoff:
    """The handoff as it stands after a review that has been carried out: `write_set` has its lines of the ledger."""
    handoff = found.after
    if handoff.next_action is None or handoff.status not in NON_TERMINAL:
        return handoff
    is_shut_out = handoff.owner in handoff.parties - handoff.readers
    is_asked = handoff.next_action.code == RENEW
    if is_shut_out and not is_asked:
        return _ask(handoff, write_set, pathway, reader.ledger_of(handoff.id), now)
    if is_asked and not is_shut_out:
        write_set.cancelled_deadlines.append((handoff.id, RENEW))
        return replace(handoff, next_action=_awaited_before(handoff, reader.ledger_of(handoff.id)))
    return handoff


def miss_renewal(firing: Firing) -> None:
    """The time is up, and there is neither a Consent nor has the initiator taken the person back."""
    action = firing.handoff.next_action
    if action is None or action.code != RENEW:
        return
    firing.record(events.CLOCK_MISSED, clock=RENEW)
    firing.tell(events.CLOCK_MISSED, firing.handoff.requester)
    flag_for_review(firing)


def _ask(
    handoff: Handoff, write_set: WriteSet, pathway: Pathway, ledger: Sequence[LedgerEvent], now: datetime
) -> Handoff:
    ended = next((line.event_time for line in _of_recipient(handoff, write_set.events)), now)
    due = ended + max((step.after for step in pathway.ladder), default=timedelta(0))
    run = 1 + sum(1 for _ in _of_recipient(handoff, ledger))
    write_set.deadlines.append(Deadline(handoff.id, run_of(RENEW, run), due))
    return replace(handoff, next_action=NextAction(RENEW, handoff.requester, due))


def _awaited_before(handoff: Handoff, ledger: Sequence[LedgerEvent]) -> NextAction:
    for line in _of_recipient(handoff, reversed(ledger)):
        if isinstance(code := line.detail.get("awaited"), str):
            by = line.detail.get("by")
            return NextAction(code, handoff.owner, datetime.fromisoformat(by) if isinstance(by, str) else None)
    return next_action(
        handoff.status, handoff.requester, handoff.owner, acceptance_deadline=handoff.acceptance_deadline
    )


def _of_recipient(handoff: Handoff, lines: Sequence[LedgerEvent] | Iterator[LedgerEvent]) -> Iterator[LedgerEvent]:
    """Those lines that say that the recipient's reading ended."""
    return (
        line
        for line in lines
        if (line.handoff, line.kind) == (handoff.id, events.DISCLOSURE_ENDED)
        and line.detail.get("organisation") == handoff.owner
    )
