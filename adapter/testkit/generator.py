"""Seeded, realistic bundles in any number and size, for benchmarks and fault tests: same seed, same bundles."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from adapter.clock import SystemClock
from adapter.domain.pathway import Pathway
from adapter.pathways import load_pathways
from adapter.testkit import people
from adapter.testkit.elements import HL7, Tree, concept, reference
from adapter.testkit.making import Drawn, Resources, Wording
from adapter.testkit.whole_handoff import complete

SMALLEST: Final = 10
REQUESTER: Final = "mobile-crisis"
OWNER: Final = "outpatient-clinic"

# Of a hundred handoffs: mostly crisis teams and obstetric offices, few discharges.
MIX: Final[Mapping[str, int]] = MappingProxyType(
    {
        "mobile-crisis-to-outpatient": 24,
        "stabilization-discharge": 10,
        "case-management-reengagement": 10,
        "perinatal-minimum": 12,
        "perinatal-in-room-call": 8,
        "perinatal-digital": 8,
        "perinatal-ob-visit": 10,
        "perinatal-pediatric-visit": 6,
        "maternity-hospital-discharge": 4,
        "iop-discharge": 3,
        "referral": 5,
    }
)
_OPTIONAL: Final = ("coverage", "access-needs", "immediate-resource", "delegate")


class Sent(NamedTuple):
    """A generated transaction Bundle and who sends it to whom (demo partner ids)."""

    pathway: str
    requester: str
    owner: str
    bundle: Tree


def generate(pathway: str, seed: int, n: int, *, entries: int = SMALLEST, at: datetime | None = None) -> Iterator[Tree]:
    """`n` transaction Bundles of exactly `entries` entries that open a handoff on a pathway with all its request facts.

    `pathway` is the name of any pathway file; who sends to whom says `circumstances`. Ten entries are the handoff
    itself and a Consent; what goes beyond is the person's record (Observation). `at` is when the request is sent, by
    default now; seed and `at` decide everything, ids included.
    """
    if entries < SMALLEST:
        raise ValueError(f"expected at least {SMALLEST} entries, got {entries}")
    chance = random.Random(f"{pathway} {seed}")
    at = (at or SystemClock().now()).replace(microsecond=0)
    for _ in range(n):
        yield _sent(chance, _pathways()[pathway], at, entries, ()).bundle


def generate_mix(seed: int, n: int, *, at: datetime | None = None) -> Iterator[Sent]:
    """`n` Bundles over all pathways, about as often as MIX says, with coverage, access needs and delegates as people
    have them, and records of different length."""
    chance = random.Random(f"mix {seed}")
    at = (at or SystemClock().now()).replace(microsecond=0)
    names, weights = tuple(MIX), tuple(MIX.values())
    for _ in range(n):
        pathway = _pathways()[chance.choices(names, weights)[0]]
        usual = {need.fact for need in pathway.optional}
        optional = tuple(code for code in _OPTIONAL if code in usual and chance.random() < 0.4)
        yield _sent(chance, pathway, at, SMALLEST + 4 + chance.choice((0, 0, 2, 10)), optional)


@cache
def _pathways() -> Mapping[str, Pathway]:
    return load_pathways()


def _sent(chance: random.Random, pathway: Pathway, at: datetime, entries: int, optional: tuple[str, ...]) -> Sent:
    wording = Drawn(chance, at)
    handoff = complete(pathway, wording=wording, chance=chance, optional=optional)
    resources = dict(handoff.request)
    resources["consent"] = _consent(wording, handoff.requester, handoff.owner)
    for k in range(entries - len(resources)):
        resources[f"observation {k}"] = _observation(k, chance, wording, resources)
    bundle = handoff.transaction(resources)
    return Sent(pathway.name, handoff.requester, handoff.owner, {**bundle, "timestamp": wording.time(0)})


def _consent(wording: Wording, requester: str, owner: str) -> Tree:
    return {
        "resourceType": "Consent",
        "meta": people.HTEST,
        "status": "active",
        "scope": concept(f"{HL7}/consentscope", "patient-privacy"),
        "category": [concept("http://loinc.org", "59284-0")],
        "patient": reference(wording.url("patient")),
        "dateTime": wording.time(-15),
        "organization": [reference(f"Organization/{requester}")],
        "policyRule": concept(f"{HL7}/v3-ActCode", "OPTIN"),
        "provision": {
            "type": "permit",
            "actor": [
                {
                    "role": concept(f"{HL7}/v3-ParticipationType", "IRCP"),
                    "reference": reference(f"Organization/{owner}"),
                }
            ],
        },
    }


def _observation(k: int, chance: random.Random, wording: Wording, resources: Resources) -> Tree:
    code, unit, low, high = people.VITALS[k % len(people.VITALS)]
    tree: Tree = {
        "resourceType": "Observation",
        "meta": people.HTEST,
        "status": "final",
        "code": concept("http://loinc.org", code),
        "subject": reference(wording.url("patient")),
        "effectiveDateTime": wording.time(-120 - 60 * k),
        "performer": [reference(wording.url("clinician"))],
        "valueQuantity": {
            "value": chance.randint(low, high),
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }
    if "infant" not in resources:
        tree["encounter"] = reference(wording.url("visit"))
    return tree
