"""Who holds the person, what has to happen next and by when: an answer for every status, so that nobody falls between.

The initiator is responsible until the recipient has accepted, and again after `rejected`, `failed` or `cancelled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from adapter.domain.handoff import NextAction
from adapter.domain.task_status import RESPONSIBLE, Side

ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "send": "Add what the pathway asks for and send the request.",
        "answer": "Accept or reject the request; until then the initiator holds the person.",
        "make-first-contact": "Make the first contact with the person.",
        "complete": "Record that the first contact took place, and complete the handoff.",
        "confirm-abort": "Stop, and confirm by `cancelled` what the initiator asked to abort.",
        "resume": "Remove what stands in the way and resume, or give the person back by `failed`.",
        "renew-consent": "No Consent lets the recipient read the handoff any more: bring a new one, or take the person "
        "back by `cancelled`; call the recipient.",
        "arrange-care": "Decide what comes next for the person: another recipient, own care, or none needed.",
        "continue-care": "Go on with the care of the person; the handoff is closed.",
    }
)
"""The handoff-action code system: code → what is to be done."""


class _Next(NamedTuple):
    action: str
    who: Side
    clock: str | None


_NEXT: Final[Mapping[str, _Next]] = MappingProxyType(
    {
        "draft": _Next("send", Side.REQUESTER, None),
        "requested": _Next("answer", Side.OWNER, "acceptance"),
        "received": _Next("answer", Side.OWNER, "acceptance"),
        "accepted": _Next("make-first-contact", Side.OWNER, "first-contact"),
        "in-progress": _Next("complete", Side.OWNER, "first-contact"),
        "on-hold": _Next("resume", Side.OWNER, "first-contact"),
        "completed": _Next("continue-care", Side.OWNER, None),
        "rejected": _Next("arrange-care", Side.REQUESTER, "arrange-care"),
        "failed": _Next("arrange-care", Side.REQUESTER, "arrange-care"),
        "cancelled": _Next("arrange-care", Side.REQUESTER, "arrange-care"),
        # The record was wrong; if a person stands behind it all the same, the initiator is the one who has to look.
        "entered-in-error": _Next("arrange-care", Side.REQUESTER, None),
    }
)


def responsible(status: str, requester: str, owner: str) -> str:
    """The partner id of the organisation that holds the person."""
    return requester if RESPONSIBLE[status] is Side.REQUESTER else owner


def next_action(
    status: str,
    requester: str,
    owner: str,
    *,
    acceptance_deadline: datetime | None = None,
    first_contact_due: datetime | None = None,
    appointment: datetime | None = None,
    arrange_care_due: datetime | None = None,
    abort_requested: bool = False,
) -> NextAction:
    """What is awaited, from whom (a partner id) and by when. The first contact is due at the appointment where there is
    one, else by the pathway's first-contact clock."""
    if abort_requested and status in ("in-progress", "on-hold"):
        return NextAction("confirm-abort", owner, None)
    code, who, clock = _NEXT[status]
    by = {
        "acceptance": acceptance_deadline,
        "first-contact": appointment or first_contact_due,
        "arrange-care": arrange_care_due,
    }.get(clock or "")
    return NextAction(code, requester if who is Side.REQUESTER else owner, by)
