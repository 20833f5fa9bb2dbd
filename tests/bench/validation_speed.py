"""What strict decode and base-spec check cost for a 10-entry transaction: `python -m tests.bench.validation_speed`.

Prints the median and the best of 2,000 runs in microseconds, beside a plain JSON parse of the same bytes; and the
median of 200 runs before each of which something else went through the processor's caches, as it does on a busy server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import orjson

from adapter.validation import check, decode_resource
from mappings import json_codec

RUNS = 2000
COLD_RUNS = 200
LARGER_THAN_CACHES = bytearray(8 * 1024 * 1024)
BASE = "https://handoff.example/fhir"
Json = dict[str, Any]


def _concept(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _identified(type_: str, number: int, **elements: Any) -> Json:
    identifier = [{"use": "official", "system": f"{BASE}/identifiers/{type_.lower()}", "value": f"HTEST-{number:05}"}]
    meta = {"profile": [f"{BASE}/StructureDefinition/handoff-{type_.lower()}"], "tag": [{"code": "HTEST"}]}
    return {"resourceType": type_, "meta": meta, "identifier": identifier, **elements}


def ten_entry_transaction() -> bytes:
    """About 10 kB: a person, who refers and who receives, the request, its Task, plan, call, consent and provenance."""
    names = [
        "patient", "sender", "recipient", "clinician", "request", "task", "plan", "call", "consent", "provenance",
    ]  # fmt: skip
    urls = {name: f"urn:uuid:00000000-0000-4000-8000-{number:012}" for number, name in enumerate(names)}
    to = {name: {"reference": url, "display": f"the {name} of this handoff"} for name, url in urls.items()}
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p><b>Referral</b> to outpatient care, same day</p></div>'
    telecom = [{"system": "phone", "value": "+1 555 0100", "use": "work", "rank": 1, "period": {"start": "2026-01-01"}}]
    address = [
        {"use": "work", "line": ["1 Example Street"], "city": "Springfield", "state": "IL", "postalCode": "62701"}
    ]
    text = {"status": "generated", "div": div}
    reason = [_concept("http://snomed.info/sct", "248062006", "Self-injurious behavior")]
    fact = f"{BASE}/CodeSystem/handoff-fact"
    inputs = [
        {"type": _concept(fact, code, code.replace("-", " ")), "valueString": "as agreed with the person on the phone"}
        for code in ("missed-appointment-barrier", "preferred-contact", "transportation-plan", "housing-risk-summary")
    ]
    resources: dict[str, Json] = {
        "patient": _identified(
            "Patient", 1, text=text, active=True, name=[{"family": "Example", "given": ["Ana", "Maria"]}],
            telecom=telecom, gender="female", birthDate="1990-02-28", address=address,
            communication=[{"language": _concept("urn:ietf:bcp:47", "es", "Spanish"), "preferred": True}],
        ),
        "sender": _identified("Organization", 2, active=True, name="Mobile crisis team", telecom=telecom),
        "recipient": _identified("Organization", 3, active=True, name="Clinic", telecom=telecom, address=address),
        "clinician": _identified(
            "PractitionerRole", 4, active=True, organization=to["recipient"], telecom=telecom,
            code=[_concept("http://snomed.info/sct", "224587008", "Community nurse")],
        ),
        "request": _identified(
            "ServiceRequest", 5, text=text, status="active", intent="order", priority="urgent", subject=to["patient"],
            requester=to["sender"], performer=[to["recipient"]], reasonCode=reason, authoredOn="2026-01-31T08:00:00Z",
            code=_concept("http://snomed.info/sct", "306206005", "Referral to service"), supportingInfo=[to["plan"]],
            occurrencePeriod={"start": "2026-01-31T08:00:00Z", "end": "2026-02-02T08:00:00Z"},
        ),
        "task": _identified(
            "Task", 6, text=text, status="requested", intent="order", focus=to["request"], owner=to["recipient"],
            requester=to["sender"], authoredOn="2026-01-31T08:00:00Z", lastModified="2026-01-31T08:00:00Z",
            input=inputs,
            code=_concept("http://hl7.org/fhir/CodeSystem/task-code", "fulfill", "Fulfill the focal request"),
            extension=[{"url": f"{BASE}/StructureDefinition/acceptance-deadline", "valueDateTime": "2026-02-02"}],
            **{"for": to["patient"]},
        ),
        "plan": _identified(
            "CarePlan", 7, text=text, status="active", intent="plan", subject=to["patient"], author=to["sender"],
            description="Call the team first; remove means; stay with a friend tonight.",
            category=[_concept(f"{BASE}/CodeSystem/care-plan-category", "safety-plan", "Safety plan")],
            activity=[{"detail": {"status": "scheduled", "description": "Clinic visit within 48 hours"}}],
        ),
        "call": _identified(
            "Communication", 8, status="completed", subject=to["patient"], sender=to["sender"],
            sent="2026-01-31T08:05:00Z",
            recipient=[to["recipient"], to["patient"]], payload=[{"contentString": "Warm handoff on the phone"}],
            medium=[_concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "PHONE", "telephone")],
        ),
        "consent": _identified(
            "Consent", 9, status="active", patient=to["patient"], dateTime="2026-01-31", organization=[to["sender"]],
            scope=_concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy"),
            category=[_concept("http://loinc.org", "59284-0", "Consent Document")], policyRule={"text": "opt-in"},
            provision={"type": "permit", "period": {"start": "2026-01-31", "end": "2027-01-31"}},
        ),
        "provenance": {
            "resourceType": "Provenance", "target": [to["task"], to["request"]], "recorded": "2026-01-31T08:00:00Z",
            "agent": [{"who": to["sender"], "onBehalfOf": to["sender"]}],
        },
    }  # fmt: skip
    entries = [
        {"fullUrl": urls[n], "resource": r, "request": {"method": "POST", "url": r["resourceType"]}}
        for n, r in resources.items()
    ]
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _microseconds(step: Callable[[], object]) -> tuple[float, float]:
    durations = []
    for _ in range(RUNS):
        start = time.perf_counter()
        step()
        durations.append((time.perf_counter() - start) * 1e6)
    return median(durations), min(durations)


def _microseconds_cold(step: Callable[[], object]) -> float:
    durations = []
    for _ in range(COLD_RUNS):
        LARGER_THAN_CACHES[:] = bytes(len(LARGER_THAN_CACHES))
        start = time.perf_counter()
        step()
        durations.append((time.perf_counter() - start) * 1e6)
    return median(durations)


def main() -> None:
    raw = ten_entry_transaction()
    start = time.perf_counter()
    tree = decode_resource(raw, max_bytes=len(raw))
    issues = check(tree)
    first = (time.perf_counter() - start) * 1e3
    print(f"10 entries, {len(raw)} bytes, {len(issues)} issues; first check with loading {first:.0f} ms")
    print(f"{'':34}{'median':>10}{'best':>10}{'cold':>10}  µs")
    for name, step in {
        "parse only (orjson)": lambda: orjson.loads(raw),
        "parse keeping digits and keys": lambda: json_codec.decode(raw),
        "decode_resource": lambda: decode_resource(raw, max_bytes=len(raw)),
        "check": lambda: check(tree),
        "decode_resource and check": lambda: check(decode_resource(raw, max_bytes=len(raw))),
    }.items():
        typical, best = _microseconds(step)
        print(f"{name:34}{typical:10.1f}{best:10.1f}{_microseconds_cold(step):10.1f}")


if __name__ == "__main__":
    main()
