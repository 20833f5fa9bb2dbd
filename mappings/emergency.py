"""A disclosure in a medical emergency, as 42 CFR 2.51(c) has its program document it: a Communication, reason ETREAT.

https://terminology.hl7.org/CodeSystem-v3-ActReason.html. It says what the program must write down: to whom of which
facility (recipient), by whom (sender), when (sent), and the nature of the emergency (reasonCode.text).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from adapter.domain.consent import CARE, Directive, Provision
from adapter.domain.disclosure import PART2
from mappings.consent import Named
from mappings.times import parse_time

Tree = dict[str, Any]

LASTS: Final = timedelta(hours=24)
"""So long the records are open by one such statement; an emergency that goes on is stated again."""
PURPOSE: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "ETREAT",
    "display": "Emergency Treatment",
}
_PEOPLE: Final = ("Practitioner/", "PractitionerRole/")


def is_emergency(tree: Tree) -> bool:
    """Whether a resource says of itself that it documents such a disclosure."""
    return tree.get("resourceType") == "Communication" and any(_reasons(tree))


def lacking(tree: Tree, named: Named) -> list[tuple[str, str]]:
    """What 2.51(c) asks for and is not said: (element, what is expected there). For a Communication `completed`."""
    recipients = tree.get("recipient", ())
    expected = (
        (
            "recipient",
            "the medical personnel who get the records: a Practitioner or PractitionerRole, or a reference with "
            "display, of a registered organisation",
            bool(recipients) and all(named(each) and _names_somebody(each) for each in recipients),
        ),
        ("sender", "who discloses: a person, or a reference with display", _names_somebody(tree.get("sender"))),
        ("sent", "the date and time of the disclosure", parse_time(tree.get("sent")) is not None),
        ("reasonCode", "the nature of the emergency, as text beside ETREAT", any(map(_says, _reasons(tree)))),
    )
    return [(element, what) for element, what, is_there in expected if not is_there]


def from_fhir(tree: Tree, *, version: int, author: str, named: Named) -> Directive:
    """What the statement permits: to those that it names, what is restricted, notes of counseling excepted."""
    sent = parse_time(tree.get("sent"))
    recipients = frozenset(named(each) or "" for each in tree.get("recipient", ()))
    return Directive(
        id=f"Communication/{tree['id']}",
        version=version,
        author=author,
        patient=str((tree.get("subject") or {}).get("reference", "")).partition("/_history/")[0],
        in_force=tree.get("status") == "completed" and not lacking(tree, named),
        signed=sent,
        provision=Provision(
            permits=True, end=_end(sent), recipients=recipients, purposes=CARE, kinds=frozenset({PART2})
        ),
    )


def is_by_emergency(basis: str) -> bool:
    """Whether somebody reads by such a statement, and not by a Consent."""
    return basis.startswith("Communication/")


def _end(sent: datetime | None) -> datetime | None:
    return sent + LASTS if sent else None


def _reasons(tree: Tree) -> Iterator[Tree]:
    return (
        concept
        for concept in tree.get("reasonCode", ())
        if any(
            (c.get("system"), c.get("code")) == (PURPOSE["system"], PURPOSE["code"]) for c in concept.get("coding", ())
        )
    )


def _says(concept: Tree) -> bool:
    return bool(concept.get("text"))


def _names_somebody(element: Tree | None) -> bool:
    element = element or {}
    return bool(element.get("display")) or str(element.get("reference", "")).startswith(_PEOPLE)
