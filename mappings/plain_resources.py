"""Resources of a transaction that is made of plain JSON, and the small FHIR elements that they share.

Placeholders are made of names, so that the same plain JSON always means the same Bundle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from mappings.canonicals import FACT_SYSTEM, PARTICIPATION_MODE_SYSTEM
from mappings.plain_members import member_at
from mappings.task import organization

Tree = dict[str, Any]
Plain = Mapping[str, Any]

MEDIA: Final[Mapping[str, str]] = {
    "phone": "PHONE", "video": "VIDEOCONF", "in-person": "FACE", "text": "WRITTEN", "email": "EMAILWRIT",
}  # fmt: skip
_WIDEST_ZONE: Final = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Existing:
    """A handoff that somebody adds to: its Task in `version`, its resources, each with version and author, and who does
    it: `tenant`, on the initiator's side or not."""

    task: Tree
    version: int
    related: Sequence[tuple[Tree, int, str]]
    tenant: str
    is_initiator: bool

    @property
    def patient(self) -> Tree:
        return self.task.get("for") or {}

    @property
    def about(self) -> Tree:
        """What later resources speak of: what is asked for, or the Task itself where it names nothing."""
        focus: Tree = self.task.get("focus") or {"reference": f"Task/{self.task['id']}"}
        return focus

    @property
    def other_side(self) -> Tree:
        """Whom a contact with the other side is with: somebody who was named, or the organisation."""
        named = self.about.get("reference")
        request: Tree = next((t for t, _, _ in self.related if f"{t['resourceType']}/{t['id']}" == named), {})
        named_there = next(iter(request.get("performer", ())), None) if self.is_initiator else request.get("requester")
        other: Tree = named_there or self.task["owner" if self.is_initiator else "requester"]
        return other

    def own(self, type_: str) -> list[tuple[Tree, int]]:
        """Its resources of a type that the tenant itself sent, the latest written last."""
        own = [(t, v) for t, v, author in self.related if t["resourceType"] == type_ and author == self.tenant]
        return sorted(own, key=lambda each: each[0]["meta"]["lastUpdated"])


@dataclass(slots=True)
class Resources:
    """Resources of a transaction under the names by which they refer to each other."""

    entries: list[Tree] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    """Of each entry, the plain member that it was made from; "" is the whole."""

    def add(self, name: str, member: str, tree: Tree) -> Tree:
        """A resource to create; a Reference to it."""
        urn = uuid5(NAMESPACE_URL, f"plain-handoff/{name}").urn
        request = {"method": "POST", "url": tree["resourceType"]}
        self.entries.append({"fullUrl": urn, "resource": tree, "request": request})
        self.members.append(member)
        return {"reference": urn}

    def replace(self, member: str, tree: Tree, version: int) -> Tree:
        """A resource to update from that version."""
        key = f"{tree['resourceType']}/{tree['id']}"
        request = {"method": "PUT", "url": key, "ifMatch": f'W/"{version}"'}
        self.entries.append({"resource": tree, "request": request})
        self.members.append(member)
        return {"reference": key}

    def person(self, name: str, member: str, contact: Plain, own: str) -> Tree:
        """A named person of an organisation: the sender's own, unless another is named."""
        tree: Tree = {
            "resourceType": "PractitionerRole",
            "active": True,
            "practitioner": {"display": contact["name"]},
            "organization": organization(contact.get("organization") or own),
        }
        if contact.get("role"):
            tree["code"] = [{"text": contact["role"]}]
        if reached := telecom(contact, use="work"):
            tree["telecom"] = reached
        return self.add(name, member, tree)

    @property
    def bundle(self) -> Tree:
        return {"resourceType": "Bundle", "type": "transaction", "entry": self.entries}

    def member_at(self, expression: str | None) -> str | None:
        """The plain member that a fault at `expression` is about: `facts.coverage`, `recipient`; None for the whole."""
        return member_at(expression, [entry["resource"] for entry in self.entries], self.members)


def communication(by: str, at: datetime, subject: Tree, sender: Tree, recipients: list[Tree], focus: Tree) -> Tree:
    return {
        "resourceType": "Communication",
        "basedOn": [focus],
        "status": "completed",
        "medium": [{"coding": [{"system": PARTICIPATION_MODE_SYSTEM, "code": MEDIA[by]}]}],
        "subject": subject,
        "sent": time(at),
        "recipient": recipients,
        "sender": sender,
    }


def identified(identifier: Plain | None) -> Tree:
    if identifier is None:
        return {}
    return {"identifier": [{name: identifier[name] for name in ("system", "value") if name in identifier}]}


def telecom(contact: Plain, use: str) -> list[Tree]:
    return [
        {"system": system, "value": contact[system], "use": use, "rank": rank}
        for rank, system in enumerate(("phone", "email"), 1)
        if system in contact
    ]


def fact(code: str, kind: str, value: Any) -> Tree:
    return {"type": {"coding": [{"system": FACT_SYSTEM, "code": code}]}, f"value{kind}": value}


def time(moment: datetime) -> str:
    """With the zone in which it was said, where FHIR has such a zone: up to 14 hours, in whole minutes."""
    offset = moment.utcoffset() or timedelta(0)
    if abs(offset) <= _WIDEST_ZONE and not offset % timedelta(minutes=1):
        return moment.isoformat()
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:  # at the very ends of the calendar; refused as what it is, no date
        return moment.isoformat()
