"""What every maker of generated resources knows: what to bring, what to leave out, and how to write it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from adapter.domain.pathway import Pathway
from adapter.domain.task_status import STAGES
from adapter.testkit import people
from adapter.testkit.circumstances import CIRCUMSTANCES
from adapter.testkit.elements import Tree, reference

SAFETY_PLAN: Final = frozenset({"safety-plan-summary", "agreed-next-steps"})
"""The facts that a CarePlan carries."""

Resources = dict[str, Tree]
"""By name within the handoff (`patient`, `request`, `task`, …), in the order in which they are sent."""


class Wording(Protocol):
    """How generated resources write what is not yet known: addresses, times, numbers that nothing else has."""

    def url(self, name: str) -> str:
        """The fullUrl of a resource, by its name within the handoff; the same at every call."""
        ...

    def time(self, minutes: int) -> str:
        """A FHIR instant so many minutes after the request."""
        ...

    def number(self, letter: str) -> str:
        """The value of a business identifier."""
        ...


class Drawn:
    """Real values: everything follows from `chance` and `at`."""

    def __init__(self, chance: random.Random, at: datetime):
        self._chance = chance
        self._at = at.astimezone(UTC).replace(microsecond=0)
        self._urls: dict[str, str] = {}

    def url(self, name: str) -> str:
        if name not in self._urls:
            self._urls[name] = UUID(int=self._chance.getrandbits(128), version=4).urn
        return self._urls[name]

    def time(self, minutes: int) -> str:
        return (self._at + timedelta(minutes=minutes)).isoformat()

    def number(self, letter: str) -> str:
        return f"{letter}{self._chance.getrandbits(48):014}"


def facts_to_bring(pathway: Pathway, tier: str | None, method: str) -> frozenset[str]:
    """Every fact that some stage of the pathway demands of a handoff of this tier, made in this way."""
    brings = {need.fact for stage in STAGES for need in pathway.required(stage, tier)}
    for gate in pathway.gates:
        of_tier = not gate.tiers or tier in gate.tiers
        if of_tier and (gate.when is None or gate.when[0] != "handoff-method" or method in gate.when[1]):
            brings.update(gate.facts)
    return frozenset(brings)


class Maker:
    """`brings` are the facts to be there, `without` those to be left out whatever else would carry them."""

    def __init__(
        self,
        pathway: Pathway,
        tier: str | None,
        method: str | None,
        without: frozenset[str],
        optional: frozenset[str],
        wording: Wording,
        chance: random.Random,
    ):
        self.pathway = pathway
        self.tier = tier
        self.without = without
        self.wording = wording
        self.chance = chance
        self.at = CIRCUMSTANCES.get(pathway.name, CIRCUMSTANCES["referral"])
        self.method = method or self.at.method
        brings = facts_to_bring(pathway, tier, self.method) | optional
        if self.at.crisis:
            brings |= {"current-risk-level", *SAFETY_PLAN}
        if tier is not None:
            brings |= {"current-risk-level"}
        self.brings = brings - without

    def ref(self, name: str) -> Tree:
        return reference(self.wording.url(name))

    def time(self, minutes: int) -> str:
        return self.wording.time(minutes)

    def tree(self, resource_type: str, **elements: object) -> Tree:
        return {"resourceType": resource_type, "meta": people.HTEST, **elements}

    def role(self, organization: str, title: str) -> Tree:
        return self.tree(
            "PractitionerRole",
            active=True,
            practitioner={"display": self.chance.choice(people.CLINICIANS)},
            organization=reference(f"Organization/{organization}"),
            code=[{"text": title}],
            telecom=[{"system": "phone", "value": f"+1-555-555-{self.chance.randint(100, 199):04}", "use": "work"}],
        )
