"""Who owns what in the matrix: sets of specimens of one organisation, and the same set as nobody has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from uuid import NAMESPACE_OID, uuid4, uuid5

from specimens import SYSTEM, Mark, Tree, specimens
from whole_house import Caller, bundle, entry

from mappings.canonicals import FHIR_TASK_CODE_SYSTEM, TOPIC_HANDOFF

NOBODYS: Final = Mark("zqnobody0000", "1913-04-05", 4113)
"""The values that no resource has."""

_RESOLVED: Final = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}
_FULFIL: Final = {"coding": [{"system": FHIR_TASK_CODE_SYSTEM, "code": "fulfill"}]}


def subscription(text: str, endpoint: str = "http://127.0.0.1:9") -> Tree:
    """One that is taken. Unless there is an endpoint, what it would tell is sent to where nobody listens."""
    channel = {"type": "rest-hook", "endpoint": f"{endpoint}/{text}", "payload": "application/fhir+json"}
    return {"status": "requested", "reason": text, "criteria": TOPIC_HANDOFF, "channel": channel}


BARE_GIVEN: Final[Mapping[str, Tree]] = {
    "Appointment": {"status": "proposed", "start": "2001-01-01T10:00:00Z", "end": "2001-01-01T11:00:00Z"},
    "Bundle": {"type": "collection"},
    "Condition": {"clinicalStatus": {"coding": [_RESOLVED]}, "onsetDateTime": "2001-01-01"},
    "Consent": {"policyRule": {"text": "x"}},
    "Subscription": subscription("x"),
    "Task": {
        "status": "draft",
        "intent": "order",
        "code": _FULFIL,
        "owner": {"reference": "Organization/case-management"},
    },
}
"""What the least of some types needs beyond what R4's definitions demand."""

_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Owned:
    """One resource of each type, all with values of `mark`. `secrets` are what else names the set: request keys,
    identifiers of Bundles and messages, the ids of rendered resources."""

    author: str
    mark: Mark
    trees: Mapping[str, Tree]
    secrets: tuple[str, ...] = ()

    @property
    def keys(self) -> list[str]:
        return [f"{type_}/{tree['id']}" for type_, tree in self.trees.items()]

    def id(self, type_: str) -> str:
        return str(self.trees[type_]["id"])

    @cached_property
    def _named(self) -> re.Pattern[str]:
        texts = sorted((re.escape(secret) for secret in self.secrets), key=len, reverse=True)
        return re.compile("|".join([*texts, _UUID, self.mark.text, self.mark.date, rf"\b{self.mark.number}\b"]))

    def as_nobodys(self, text: str) -> str:
        """The same text about what nobody has: every id, key and value of this set exchanged for one of its shape."""
        return self._named.sub(lambda found: self._exchanged(found[0]), text)

    def _exchanged(self, found: str) -> str:
        mark = self.mark
        values = {mark.text: NOBODYS.text, mark.date: NOBODYS.date, str(mark.number): str(NOBODYS.number)}
        if found in values:
            return values[found]
        return str(uuid5(NAMESPACE_OID, found)) if re.fullmatch(_UUID, found) else found[:-4] + "zzzz"

    @cached_property
    def traces(self) -> frozenset[str]:
        """What must stand in no answer to others."""
        return frozenset({self.mark.text, *(str(tree["id"]) for tree in self.trees.values()), *self.secrets})


def planned(author: str, owner: str, mark: Mark, types: Iterable[str], status: str = "requested") -> list[Tree]:
    """The transaction by which `author` begins a handoff to `owner` to which a resource of each type belongs."""
    return specimens(types, mark, _given(author, owner, mark, status))


def owned(author: str, mark: Mark, entries: Iterable[Tree], secrets: tuple[str, ...] = ()) -> Owned:
    """What such a transaction would leave, before it is sent: with ids that nobody has."""
    trees = {e["resource"]["resourceType"]: {**e["resource"], "id": str(uuid4())} for e in entries}
    return Owned(author, mark, trees, secrets)


def sent(caller: Caller, author: str, mark: Mark, entries: list[Tree], request_key: str) -> Owned:
    """Send it, and read back what it left."""
    identifier = {"system": "urn:example:bundles", "value": f"bundle-{mark.text}"}
    whole = {"resourceType": "Bundle", "type": "transaction", "identifier": identifier, "entry": entries}
    done = caller.send("POST", "", whole, {"X-Request-ID": request_key})
    assert done.status == 200, done.text
    read = caller.post("", bundle(*(entry("GET", key) for key in done.located), type="batch"))
    trees = {e["resource"]["resourceType"]: e["resource"] for e in read.tree["entry"]}
    assert len(trees) == len(entries), "the author reads all that it sent"
    return Owned(author, mark, trees, (request_key, f"bundle-{mark.text}"))


def _given(author: str, owner: str, mark: Mark, status: str) -> dict[str, Tree]:
    """What some specimens need beyond R4: a Task begins a handoff, and some invariants name values."""
    code = {"coding": [{"system": SYSTEM, "code": mark.text, "display": mark.text}]}
    return {
        "Task": {
            "status": status,
            "intent": "order",
            "code": _FULFIL,
            "focus": {"reference": "@ServiceRequest"},
            "for": {"reference": "@Patient"},
            "requester": {"reference": f"Organization/{author}"},
            "owner": {"reference": f"Organization/{owner}"},
        },
        "Appointment": {"status": "proposed", "start": f"{mark.date}T10:00:00Z", "end": f"{mark.date}T11:00:00Z"},
        "Bundle": {"type": "collection"},
        "Condition": {"clinicalStatus": {"coding": [_RESOLVED]}, "onsetDateTime": mark.moment},
        "Consent": {"policyRule": {"text": mark.text}},
        "Subscription": subscription(mark.text),
        "Observation": {"valueCodeableConcept": code},
    }
