"""Message Bundles (https://hl7.org/fhir/R4/messaging.html) ⇄ what is asked, of whom, about which earlier message."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from adapter.domain.errors import Invalid
from mappings.dialects.dialect import Dialect
from mappings.interaction import Interaction
from mappings.json_codec import encode
from mappings.notification import bundle_id_of
from mappings.references import Resolve, base_of
from mappings.security_labels import labelled_meta
from mappings.times import format_time

Tree = dict[str, Any]

_SEED_SPACE = uuid.UUID("6f1c9e0a-52f4-4b0e-9d0b-7c9a43a2b1de")
_SEED = "seed:"
_FORWARDED = "forwarded:"

HEADER_AT = "Bundle.entry[0].resource"


@dataclass(frozen=True, slots=True)
class Message:
    """A message Bundle as read: its parts, and the keys by which other messages name it."""

    bundle: Tree
    header: Tree
    digest: str
    """SHA-256 of the bytes, in hex: the message's identity when the sender gave it none."""

    @property
    def reason(self) -> str | None:
        return next((c.get("code") for c in (self.header.get("reason") or {}).get("coding", ())), None)

    @property
    def event(self) -> Tree:
        """The event as sent: `eventCoding` or `eventUri`."""
        return {name: self.header[name] for name in ("eventCoding", "eventUri") if name in self.header}

    @property
    def answers(self) -> str | None:
        """The id of the request that this message answers; None for a request."""
        return (self.header.get("response") or {}).get("identifier")

    @property
    def focus(self) -> list[str]:
        return [f["reference"] for f in self.header.get("focus", ()) if "reference" in f]

    @property
    def trees(self) -> list[Tree]:
        return [entry["resource"] for entry in self.bundle["entry"]]

    def trees_of(self, type_: str) -> list[Tree]:
        return [tree for tree in self.trees if tree["resourceType"] == type_]

    def entries_of(self, type_: str) -> list[Tree]:
        return [entry for entry in self.bundle["entry"] if entry["resource"]["resourceType"] == type_]

    def place_of(self, tree: Tree) -> str:
        """Where a resource stands in the request: `Bundle.entry[2].resource`."""
        found = next((index for index, sent in enumerate(self.trees) if sent is tree), 0)
        return f"Bundle.entry[{found}].resource"

    def named_from(self, reference: str, tree: Tree) -> str:
        """A reference that stands in `tree`, to be understood elsewhere in the Bundle: `Patient/1` of one server is not
        `Patient/1` of another."""
        holder: Tree = next((entry for entry in self.bundle["entry"] if entry["resource"] is tree), {})
        absolute = (base_of(holder.get("fullUrl")) or "") + reference.partition("/_history/")[0]
        return absolute if any(entry.get("fullUrl") == absolute for entry in self.bundle["entry"]) else reference

    def correlation(self, seed: str) -> tuple[str, ...]:
        """Keys of the handoff that this message begins. Business identifiers outlive ids that systems re-assign."""
        keys = [_SEED + seed]
        if bundle_id := self.bundle.get("id"):
            keys.append(f"bundle:{bundle_id}")
        if header_id := self.header.get("id"):
            keys.append(f"message:{header_id}")
        for entry in self.bundle.get("entry", ()):
            resource = entry["resource"]
            if resource["resourceType"] in {"ServiceRequest", "Appointment", "Task"}:
                keys += [
                    f"identifier:{i.get('system', '')}|{i['value']}"
                    for i in resource.get("identifier", ())
                    if "value" in i
                ]
        return tuple(dict.fromkeys(keys))

    def earlier_keys(self) -> tuple[str, ...]:
        """Keys that an update looks for: the same Bundle.id (BaRS keeps it) or the same business identifiers."""
        return tuple(key for key in self.correlation("") if key.startswith(("bundle:", "identifier:")))


def from_fhir(bundle: Tree, raw: bytes) -> Message:
    """Read a message Bundle that passed the structural check. Raises Invalid when the header is not first."""
    entries = bundle.get("entry") or [{}]
    header = entries[0].get("resource") or {}
    if header.get("resourceType") != "MessageHeader":
        raise Invalid(
            "expected a MessageHeader as the first entry of a message",
            expression="Bundle.entry[0].resource",
            code="invariant",
        )
    for index, entry in enumerate(entries):
        if "resource" not in entry:
            raise Invalid("expected a resource in each entry", expression=f"Bundle.entry[{index}]", code="required")
    return Message(bundle, header, hashlib.sha256(raw).hexdigest())


def names_of(entry: Tree) -> set[str]:
    """How a reference in the Bundle may name an entry."""
    resource = entry["resource"]
    as_sent = f"{resource['resourceType']}/{resource['id']}" if "id" in resource else None
    return {name for name in (entry.get("fullUrl"), as_sent) if name}


def name_of(entry: Tree) -> str | None:
    """The name that only this entry has, for references that are made here."""
    names = names_of(entry)
    return entry.get("fullUrl") or next(iter(names), None)


def seed_in(correlation: Sequence[str]) -> str | None:
    return next((key[len(_SEED) :] for key in correlation if key.startswith(_SEED)), None)


def seeded_id(seed: str, name: str) -> str:
    """The id that the entry `name` (its fullUrl) has in the handoff that `seed` began: the same for every update."""
    return str(uuid.uuid5(_SEED_SPACE, f"{seed}\n{name}"))


def interactions(message: Message, seed: str) -> list[Interaction]:
    """A create for every entry, with the id that an update of the same message will find again."""
    found = []
    for index, entry in enumerate(message.bundle["entry"]):
        resource = entry["resource"]
        name = name_of(entry) or f"entry-{index}"
        type_ = resource["resourceType"]
        found.append(
            Interaction(
                method="POST",
                type=type_,
                at=f"Bundle.entry[{index}].resource",
                resource=resource,
                full_url=entry.get("fullUrl"),
                fixed_id=seeded_id(seed, f"{type_} {name}"),
            )
        )
    return found


def bundle_resolver(bundle: Tree) -> Resolve:
    """References inside the Bundle as sent: by fullUrl, relative to the first fullUrl's base or as `Type/id`, relative
    to any other base; of a version or without."""
    trees: dict[str, Tree] = {}
    bases: dict[str, None] = {}
    for entry in bundle.get("entry", ()):
        resource, full_url = entry.get("resource"), entry.get("fullUrl")
        if resource is None:
            continue
        if full_url:
            trees[full_url] = resource
            if base := base_of(full_url):
                bases[base] = None
        if "id" in resource:
            trees.setdefault(f"{resource['resourceType']}/{resource['id']}", resource)
    home, *others = bases or ("",)

    def resolve(reference: str) -> Tree | None:
        address = reference.partition("/_history/")[0]
        places = (home + address, address, *(base + address for base in others))
        return next((trees[place] for place in places if place in trees), None)

    return resolve


def response(
    request: Message,
    *,
    identifier: str,
    header_id: str,
    base_url: str,
    now: datetime,
    resources: Mapping[str, bytes],
    restricted: Collection[str] = (),
) -> bytes:
    """The synchronous answer to `request`, which its sender knows by `identifier`: response code ok, its focus the Task
    and what it asks for, with our ids.

    `resources` maps `Type/id` to bodies as stored, the Task first; `restricted` are kinds that they come under."""
    header: Tree = {
        "resourceType": "MessageHeader",
        "id": header_id,
        **request.event,
        "destination": [{"endpoint": (request.header.get("source") or {}).get("endpoint", "")}],
        "source": {"name": "Handoff Adapter", "endpoint": base_url},
        "response": {"identifier": identifier, "code": "ok"},
        "focus": [{"reference": key} for key in resources],
    }
    if "reason" in request.header:
        header["reason"] = request.header["reason"]
    if not header["destination"][0]["endpoint"]:
        del header["destination"]
    entries = [{"fullUrl": f"{base_url}/MessageHeader/{header_id}", "resource": header}]
    entries += [{"fullUrl": f"{base_url}/{key}", "resource": orjson.Fragment(body)} for key, body in resources.items()]
    return encode(
        {
            "resourceType": "Bundle",
            "id": str(uuid.uuid5(_SEED_SPACE, header_id)),
            **({"meta": labelled_meta(None, restricted)} if restricted else {}),
            "type": "message",
            "timestamp": format_time(now),
            "entry": entries,
        }
    )


def forwarded_id(handoff_id: str) -> uuid.UUID:
    """The id of the message by which a messaging recipient gets the request: one for each handoff."""
    return uuid.uuid5(_SEED_SPACE, f"forwarded {handoff_id}")


def forwarded_keys(handoff_id: str) -> tuple[str, ...]:
    """Keys of a handoff by which the recipient's answer names that message: by its id, or by its Bundle's."""
    message_id = forwarded_id(handoff_id)
    return tuple(f"{_FORWARDED}{id_}" for id_ in (message_id, bundle_id_of(message_id)))


def answered_keys(answers: str) -> tuple[str, ...]:
    """Keys to look for when an answer names a message `answers`: as its sender sent it, or as we passed it on."""
    return f"bundle:{answers}", f"message:{answers}", f"{_FORWARDED}{answers}"


def answered_identifier_of(correlation: Sequence[str], dialect: Dialect) -> str | None:
    """The same for a handoff that was begun by a message, from its correlation keys; None when it was not."""
    ids = dict(reversed([key.split(":", 1) for key in correlation if key.startswith(("bundle:", "message:"))]))
    order = ("bundle", "message") if dialect.answers_name_bundle else ("message", "bundle")
    return next((ids[kind] for kind in order if kind in ids), None)


def answered_identifier(request: Message, dialect: Dialect) -> str:
    """The request's id, as the sender's community names it. BaRS senders often give the header none."""
    header_id, bundle_id = request.header.get("id"), request.bundle.get("id")
    preferred = (bundle_id, header_id) if dialect.answers_name_bundle else (header_id, bundle_id)
    return str(preferred[0] or preferred[1] or request.digest[:64])
