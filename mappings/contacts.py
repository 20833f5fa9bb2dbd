"""Communications as contacts of a handoff (https://hl7.org/fhir/R4/communication.html): live, failed, with the person.

A voicemail, a fax or a letter is never a live contact: "instead of closing the episode with a voicemail" is what a warm
handoff is about. The media are codes of v3 ParticipationMode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from adapter.domain.facts import FactEvidence
from mappings.canonicals import PARTICIPATION_MODE_SYSTEM
from mappings.handoff_context import PERSON, HandoffContext, key_of
from mappings.references import Tree
from mappings.times import parse_time

LIVE_MEDIA: Final = frozenset({"PHONE", "VIDEOCONF", "FACE", "PHYSICAL"})
PHONE_MEDIA: Final = frozenset({"PHONE", "WRITTEN", "TYPEWRIT", "ONLINEWRIT", "EMAILWRIT"})
"""Ways in which a confirmation reaches somebody's phone: a call, a text, a link."""
_VOICEMAIL: Final = ("voicemail", "voice mail", "voice-mail", "answering machine", "answerphone")


def live_contacts(context: HandoffContext) -> Iterator[FactEvidence]:
    """Both sides spoke: sender on one, a recipient on the other. Value `three-way` when the person was there too."""
    for tree in context.belonging("Communication"):
        if not is_live(tree) or "sent" not in tree:
            continue
        sender = tree.get("sender")
        recipients = tree.get("recipient") or []
        sides = [context.side(element, tree) for element in recipients]
        if not _spans_both_sides(context, tree, sender, recipients, sides):
            continue
        kind = "three-way" if PERSON in sides else "clinicians"
        yield FactEvidence("Communication", key_of(tree), kind, parse_time(tree["sent"]))


def _spans_both_sides(
    context: HandoffContext, tree: Tree, sender: Tree | None, recipients: list[Tree], sides: list[str | None]
) -> bool:
    from_side = context.side(sender, tree)
    both = {context.requester, context.owner}
    if None in both or from_side not in both:
        return False
    if context.requester == context.owner:
        # Inside one organisation it takes two: nobody hands a person over to oneself.
        others = [element for element in recipients if element != sender]
        return any(context.side(element, tree) == from_side for element in others)
    return (both - {from_side}).pop() in sides


def failed_contacts(context: HandoffContext) -> Iterator[FactEvidence]:
    """An attempt that reached nobody, told with its reason, whom it was meant for, and when."""
    for tree in context.belonging("Communication"):
        told = tree.get("sent") or tree.get("received")
        if tree.get("status") == "not-done" and tree.get("statusReason") and tree.get("recipient") and told:
            yield FactEvidence("Communication", key_of(tree), at=parse_time(told))


def told_to_person(context: HandoffContext) -> Iterator[FactEvidence]:
    """The initiator told the person something."""
    for tree in _to_person(context):
        if tree.get("payload") and _from_initiator(context, tree):
            yield FactEvidence("Communication", key_of(tree), at=parse_time(tree.get("sent")))


def phone_confirmations(context: HandoffContext) -> Iterator[FactEvidence]:
    """The initiator's confirmation reached the person's phone."""
    for tree in _to_person(context):
        if media_of(tree) & PHONE_MEDIA and "sent" in tree and _from_initiator(context, tree):
            yield FactEvidence("Communication", key_of(tree), at=parse_time(tree["sent"]))


def outreach(context: HandoffContext) -> Iterator[FactEvidence]:
    """The recipient's own contact with the person: `planned` on the Task, `made` by a live Communication."""
    for expression, element in context.outputs.get("same-day-outreach", ()):
        planned = parse_time(element.get("valueDateTime") or element.get("valueInstant"))
        if planned is not None:
            yield FactEvidence(expression, value="planned", at=planned)
    for tree in _to_person(context):
        if is_live(tree) and "sent" in tree and _from_recipient(context, tree):
            yield FactEvidence("Communication", key_of(tree), "made", parse_time(tree["sent"]))


def is_live(communication: Tree) -> bool:
    """Completed by phone, by video or face to face, and no message left for later."""
    if communication.get("status") != "completed" or not media_of(communication) & LIVE_MEDIA:
        return False
    names = ("medium", "category", "reasonCode")
    concepts = [concept for name in names for concept in communication.get(name) or ()]
    concepts += [communication[name] for name in ("statusReason", "topic") if name in communication]
    return not any(_is_voicemail(concept) for concept in concepts)


def media_of(communication: Tree) -> frozenset[str]:
    """The v3 ParticipationMode codes of Communication.medium."""
    return frozenset(
        coding.get("code", "")
        for concept in communication.get("medium") or ()
        for coding in concept.get("coding") or ()
        if coding.get("system") == PARTICIPATION_MODE_SYSTEM
    )


def _is_voicemail(concept: Tree) -> bool:
    words = [concept.get("text", "")]
    for coding in concept.get("coding") or ():
        words += (coding.get("code", ""), coding.get("display", ""))
    said = " ".join(words).lower()
    return any(word in said for word in _VOICEMAIL)


def _to_person(context: HandoffContext) -> Iterator[Tree]:
    for tree in context.belonging("Communication"):
        if tree.get("status") == "completed" and any(
            context.is_patient(element, tree) for element in tree.get("recipient") or ()
        ):
            yield tree


def _from_initiator(context: HandoffContext, tree: Tree) -> bool:
    """Also when nobody says who sent it: the request itself comes from the initiator."""
    return context.side(tree.get("sender"), tree) in (None, context.requester)


def _from_recipient(context: HandoffContext, tree: Tree) -> bool:
    return context.owner is not None and context.side(tree.get("sender"), tree) == context.owner
