"""Good requests of every kind, to make mutants of: of the scenarios, of a folder, and some of our own.

A sample is good for many mutants, until one is accepted that its state does not survive.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from adapter.domain.errors import Malformed
from mappings.json_codec import decode, encode
from tests.mutants.laboratory import Laboratory
from tests.mutants.mutation import Change, Mutant, Sent
from tests.mutants.tally import TAKEN, judge

Tree = dict[str, Any]

FHIR: Final = {"Content-Type": "application/fhir+json"}
PLAIN: Final = {"Content-Type": "application/json"}
SENDER, RECEIVER = "mobile-crisis", "outpatient-clinic"


@dataclass(frozen=True, slots=True)
class Sample:
    """`kind` says which mutations fit. `lasts`: still good after a mutant of it was accepted."""

    kind: str
    sent: Sent
    lasts: bool


@dataclass
class Samples:
    """`next()` gives one sample after the other, in proportions that are fixed here; `folder` adds bundles to them."""

    laboratory: Laboratory
    chance: random.Random
    folder: Path | None = None
    files: Sequence[Path] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self.files = sorted(self.folder.rglob("*.json")) if self.folder else []

    def next(self) -> Sample:
        makers = [*_MAKERS, *([(_of_folder, 30)] if self.files else [])]
        while True:
            (make,) = self.chance.choices([maker for maker, _ in makers], [weight for _, weight in makers])
            if sample := make(self):
                return sample


def _of_folder(samples: Samples) -> Sample | None:
    """A file as a partner would send it: a Bundle where its type belongs, anything else to its type."""
    try:
        tree = decode(samples.chance.choice(samples.files).read_bytes())
    except Malformed:
        return None
    type_ = tree.get("resourceType") if isinstance(tree, dict) else None
    if not isinstance(type_, str):
        return None
    if type_ == "Bundle":
        tree.pop("identifier", None)  # by which a message is known when it comes again
    validate = Sent("POST", f"{type_}/$validate", SENDER, FHIR, encode(tree))
    kind = str(tree.get("type")) if type_ == "Bundle" else None
    if kind in ("transaction", "batch", "message"):
        good = Sample(kind, replace(validate, path="$process-message" if kind == "message" else ""), True)
    else:
        good = Sample("resource", replace(validate, path=type_), True)
    # What is sound and points at what is not here can at least be validated.
    return next((each for each in (good, Sample("$validate", validate, True)) if is_taken(samples, each)), None)


def is_taken(samples: Samples, sample: Sample) -> bool:
    unchanged = Mutant("none", sample.sent, Change(()))
    return judge(unchanged, samples.laboratory.send(sample.sent)).outcome == TAKEN


def _of_scenario(samples: Samples, wanted: Callable[[Sent], bool], *, first: bool) -> Sent | None:
    scenario = samples.chance.choice(samples.laboratory.scenarios)
    last = 0 if first else samples.chance.randrange(1, max(2, len(scenario.steps) + 4))
    sent = samples.laboratory.held_back(scenario, last)
    if sent is None or not wanted(sent):
        return None
    return Sent(sent.method, sent.path, sent.actor, sent.headers, _compact(sent.raw))


def _compact(raw: bytes | None) -> bytes | None:
    return encode(decode(raw)) if raw is not None else None


def _request(samples: Samples) -> Sample | None:
    """A transaction that begins a handoff."""
    sent = _of_scenario(samples, lambda s: s.method == "POST" and not s.path, first=True)
    return sent and Sample("transaction", sent, True)


def _answer(samples: Samples) -> Sample | None:
    """A transaction on a handoff that has begun."""
    sent = _of_scenario(samples, lambda s: s.method == "POST" and not s.path, first=False)
    return sent and Sample("transaction", sent, False)


def _message(samples: Samples) -> Sample | None:
    sent = _of_scenario(samples, lambda s: s.path == "$process-message", first=True)
    return sent and Sample("message", sent, True)


def _json_patch(samples: Samples) -> Sample | None:
    sent = _of_scenario(samples, lambda s: s.method == "PATCH", first=False)
    return sent and Sample("JSON Patch", sent, False)


def _fhirpath_patch(samples: Samples) -> Sample | None:
    """What a JSON Patch of a scenario does, said in FHIRPath."""
    sent = _of_scenario(samples, lambda s: s.method == "PATCH", first=False)
    status = next((o["value"] for o in decode(sent.raw) if o.get("path") == "/status"), None) if sent else None
    # Of a step that needs nothing but its status.
    if sent is None or status not in {"received", "in-progress"} or not sent.path.startswith("Task/"):
        return None
    made = {"resourceType": "Parameters", "parameter": [
        _operation({"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Task.status"},
                   {"name": "value", "valueCode": status}),
        _operation({"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Task"},
                   {"name": "name", "valueString": "note"}, {"name": "value", "valueAnnotation": {"text": "seen"}}),
    ]}  # fmt: skip
    return Sample("FHIRPath Patch", Sent("PATCH", sent.path, sent.actor, {**sent.headers, **FHIR}, encode(made)), False)


PATCHED_BY_FHIRPATH: Final = (("status",), ("note",))
"""What the operations of such a sample do something to."""


def _operation(*parts: Tree) -> Tree:
    return {"name": "operation", "part": list(parts)}


def _put(samples: Samples) -> Sample | None:
    """A resource of a handoff, written back with a change."""
    sent = _of_scenario(samples, lambda s: s.method == "PATCH", first=False)
    if sent is None:
        return None
    task = samples.laboratory.send(Sent("GET", sent.path, sent.actor))
    paths = [sent.path, (task.tree.get("for") or {}).get("reference"), (task.tree.get("focus") or {}).get("reference")]
    path = samples.chance.choice([p for p in paths if p])
    mine = sent.actor if path == sent.path else str(task.tree["requester"]["reference"]).rpartition("/")[2]
    got = samples.laboratory.send(Sent("GET", path, mine))
    if got.status != 200:
        return None
    return Sample("resource", Sent("PUT", path, mine, {**FHIR, "If-Match": got.etag}, encode(got.tree)), False)


def _create(samples: Samples) -> Sample | None:
    """One resource of a scenario's request, on its own."""
    made = _request(samples)
    resource = _without_references(samples.chance.choice(decode(made.sent.raw)["entry"])["resource"]) if made else None
    if made is None or resource is None:
        return None
    asked = Sent("POST", resource["resourceType"], made.sent.actor, FHIR, encode(resource))
    return Sample("resource", asked, True)


def _without_references(resource: Tree) -> Tree | None:
    """None when it points at other entries, which are not there when it comes alone."""
    return None if b"urn:uuid:" in encode(resource) else resource


def _validate(samples: Samples) -> Sample | None:
    made = _request(samples)
    if made is None:
        return None
    tree = decode(made.sent.raw)
    if samples.chance.random() < 0.5:
        tree = samples.chance.choice(tree["entry"])["resource"]
    asked = Sent("POST", f"{tree['resourceType']}/$validate", made.sent.actor, FHIR, encode(tree))
    return Sample("$validate", asked, True)


def _batch(_: Samples) -> Sample:
    tag = {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]}
    number = uuid4().hex
    entries: list[Tree] = [
        {"fullUrl": f"urn:uuid:{uuid4()}", "resource": {
            "resourceType": "Patient", "meta": tag, "identifier": [{"system": "urn:example:mrn", "value": number}],
            "name": [{"family": "Samplewood", "given": ["Rowan"], "period": {"start": "2001-01-01"}}],
            "birthDate": "1991-03-17", "multipleBirthInteger": 2, "deceasedBoolean": False,
            "photo": [{"contentType": "image/png", "data": "iVBORw0KGgo="}],
        }, "request": {"method": "POST", "url": "Patient", "ifNoneExist": f"identifier=urn:example:mrn|{number}"}},
        {"fullUrl": f"urn:uuid:{uuid4()}", "resource": {
            "resourceType": "Location", "meta": tag, "status": "active", "name": "Second floor",
            "position": {"longitude": 1.5, "latitude": 2}, "hoursOfOperation": [
                {"daysOfWeek": ["mon", "tue"], "openingTime": "08:00:00", "closingTime": "16:30:00"}],
        }, "request": {"method": "POST", "url": "Location"}},
        {"resource": {
            "resourceType": "Observation", "meta": tag, "status": "final", "code": {"text": "a score"},
            "issued": "2026-01-31T08:00:00.125+01:00", "valueQuantity": {"value": 14, "unit": "points"},
            "referenceRange": [{"low": {"value": 1}, "high": {"value": 30}}],
        }, "request": {"method": "POST", "url": "Observation"}},
        {"request": {"method": "GET", "url": "Task?status=requested&_count=1"}},
        {"request": {"method": "GET", "url": "Organization/outpatient-clinic"}},
    ]  # fmt: skip
    return Sample("batch", Sent("POST", "", SENDER, FHIR, encode(_bundle("batch", entries))), True)


def _bundle(type_: str, entries: list[Tree]) -> Tree:
    return {"resourceType": "Bundle", "type": type_, "entry": entries}


_SEARCHES: Final = (
    "Task?owner=Organization/outpatient-clinic&status=requested&_include=Task:focus&_count=3",
    "Task?patient.identifier=urn:example:mrn|1&authored-on=ge2026-01-01&_sort=-authored-on&_count=2",
    "ServiceRequest?identifier=urn:example:orders|1&status=active&_revinclude=Task:focus&_count=2",
    "Patient?family=Samplewood&birthdate=1991-03-17&_elements=name&_count=2",
    "Patient?_has:Task:patient:status=requested&_count=1&_total=accurate",
    "Appointment?date=ge2026-01-01&_lastUpdated=gt2026-01-01T00:00:00Z&_count=2",
    "Observation?value-quantity=gt5.4|http://unitsofmeasure.org|{score}&_summary=true&_count=2",
    "AuditEvent?date=ge2026-01-01&action=C&_count=2",
    "Task/_history?_since=2026-01-01T00:00:00Z&_count=2",
    "HealthcareService/$find-destination?coverage=medicaid&type=perinatal&within=P2D",
    "Measure/acceptance-rate/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-12-31",
    "Subscription/mobile-crisis/$events?eventsSinceNumber=1&eventsUntilNumber=2",
)


def _search(samples: Samples) -> Sample:
    path = samples.chance.choice(_SEARCHES)
    return Sample("search", Sent("GET", path, SENDER), True)


def _search_by_post(samples: Samples) -> Sample:
    address, _, query = samples.chance.choice(_SEARCHES[:7]).partition("?")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return Sample("search", Sent("POST", f"{address}/_search?{query}", SENDER, form, b"_count=1"), True)


def _plain(samples: Samples) -> Sample:
    now = samples.laboratory.now().isoformat()
    body = {
        "recipient": RECEIVER, "pathway": "mobile-crisis-to-outpatient",
        "person": {"identifier": {"system": "urn:example:mrn", "value": uuid4().hex}, "family": "Samplewood",
                   "given": ["Rowan"], "birth_date": "1991-03-17", "gender": "other", "phone": "+1-555-555-0142",
                   "language": "en"},
        "reason": "Panic after a notice of eviction", "priority": "urgent",
        "sender": {"name": "M. Rehearsal, LPC", "role": "Mobile crisis clinician", "phone": "+1-555-555-0110"},
        "recipient_contact": {"name": "D. Sample-Access", "phone": "+1-555-555-0120"},
        "visit": {"start": now, "end": now}, "risk": {"level": "high", "notes": "alone at home from tomorrow on"},
        "safety_plan": {"summary": "Calls sister first, then 988", "next_steps": ["Clinic calls today"]},
        "person_informed": {"at": now, "by": "in-person", "text": "The clinic calls today"},
        "facts": {"missed-appointment-barrier": "could not get through on the phone",
                  "preferred-contact": "+1-555-555-0142", "access-needs": ["unstable-housing"],
                  "coverage": "medicaid", "submitted-in-presence": True},
    }  # fmt: skip
    return Sample("plain JSON", Sent("POST", "/handoffs", SENDER, PLAIN, encode(body)), True)


def _plain_answer(samples: Samples) -> Sample | None:
    begun = samples.laboratory.send(_plain(samples).sent)
    now = samples.laboratory.now().isoformat()
    body = {
        "status": "accepted", "clinician": {"name": "T. Clinician", "role": "Therapist"},
        "follow_up_owner": {"name": "T. Clinician"},
        "risk_acknowledged": "We know that the plan holds only while the sister is reachable",
        "responsibilities": ["weekly call"], "same_day_outreach": now,
        "live_contact": {"at": now, "by": "phone", "three_way": True, "text": "spoke"},
        "appointment": {"start": now, "end": now, "status": "booked", "place": "Second floor"},
    }  # fmt: skip
    path = f"/handoffs/{begun.tree['id']}/status"
    return Sample("plain JSON", Sent("POST", path, RECEIVER, PLAIN, encode(body)), False)


def _instance(samples: Samples) -> Sample | None:
    """A read, and an operation on one Task."""
    sent = _of_scenario(samples, lambda s: s.method == "PATCH", first=False)
    if sent is None:
        return None
    below = ["", "/_history", "/_history/1", *(["/$evidence"] if sent.path.startswith("Task/") else [])]
    path = f"{sent.path}{samples.chance.choice(below)}"
    return Sample("read", Sent("GET", path, sent.actor), True)


_MAKERS: Final[tuple[tuple[Callable[..., Sample | None], int], ...]] = (
    (_request, 28), (_answer, 6), (_message, 10), (_batch, 8), (_create, 6), (_put, 14), (_validate, 7), (_plain, 6),
    (_plain_answer, 2), (_json_patch, 16), (_fhirpath_patch, 12), (_search, 10), (_search_by_post, 2), (_instance, 2),
)  # fmt: skip


def each_kind(samples: Samples) -> Iterator[Sample]:
    """One good request of each maker."""
    for make, _ in _MAKERS:
        while (sample := make(samples)) is None:
            pass
        yield sample
