"""The codes of Task.businessStatus and of reasons: what both sides may say beyond Task.status, each with its meaning.

A pathway's clock that runs out adds `<clock>-overdue` to the business statuses (domain/pathway.ClockRule). The reasons
are offered, not enforced: whoever has a better word sends its own coding or a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

BUSINESS_STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "awaiting-acceptance": "The recipient was asked and has not answered; its deadline has not passed.",
        "acceptance-overdue": "The acceptance deadline passed without an answer; the ladder has started.",
        "contact-failed": "An attempt to reach the other side failed; the ladder has started.",
        "escalated": "The escalation owner was asked to step in.",
        "under-review": "The handoff was flagged for governance review.",
        "appointment-booked": "A first appointment is booked and confirmed.",
        "first-contact-made": "The recipient has been in contact with the person.",
        "no-show": "The person did not come to the first appointment.",
        "re-engagement": "The recipient tries to reach a person who did not come.",
    }
)
"""The handoff-status code system."""

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no-capacity": "The recipient cannot see the person soon enough.",
        "wrong-service": "The recipient does not offer what is asked for.",
        "out-of-area": "The person lives outside the area that the recipient serves.",
        "coverage-not-accepted": "The recipient does not accept the person's coverage.",
        "needs-other-level-of-care": "The person needs more, or less, than the recipient offers.",
        "person-declined": "The person does not want it.",
        "person-not-reached": "The person could not be reached.",
        "no-answer": "Nobody took the call.",
        "voicemail": "Only a recorded message could be left; that is no contact.",
        "wrong-number": "The contact details were wrong.",
        "sent-in-error": "It should not have been sent.",
        "taken-over-elsewhere": "Somebody else has taken the person over.",
        "acceptance-overdue": "The acceptance deadline passed without an answer.",
        "contact-failed": "An attempt to reach the recipient failed.",
        "handoff-answered": "The handoff has been answered, so that nobody needs to step in any more.",
    }
)
"""The handoff-reason code system, for statusReason, reasonCode of an escalation, and a contact that failed."""
