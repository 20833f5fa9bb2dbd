"""One house with six organisations: what one of them owns, the others try to reach.

The crisis team begins three handoffs, and a resource of every type belongs to each: one to the clinic, one to the
stabilization unit that is still a draft, one that this unit has rejected. The ob-clinic has no part in any of them, and
a draft of its own with as many resources, so that what it finds is not empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attempts import Attempt, Request, beside_fhir, by_condition, by_searching, on_system, on_type
from matrix import Answer, answers, without_values
from specimens import Mark, Tree
from tenants import Owned, owned, planned, sent
from whole_house import RECEIVER, SENDER, THIRD, Caller, WholeHouse

FORMER = "crisis-stabilization"
"""Recipient of a draft, and of a handoff that it has rejected."""

CARRIED = frozenset(
    {"Appointment", "Binary", "CarePlan", "Communication", "Condition", "Consent", "Coverage", "DocumentReference"}
    | {"Encounter", "Endpoint", "Flag", "HealthcareService", "Location", "MessageHeader", "Observation", "Organization"}
    | {"Patient", "Practitioner", "PractitionerRole", "Provenance", "RelatedPerson", "RiskAssessment"}
    | {"ServiceRequest", "Task"}
)
"""What handoffs carry: these types are tried in every form, the others in the first form of each interaction."""

SEARCHED = frozenset(
    {"Appointment", "Communication", "Condition", "Observation", "Patient", "RiskAssessment", "ServiceRequest", "Task"}
)
"""Among them is every kind of search parameter: these are searched with modifiers, prefixes, chains and orders, the
others by each of their parameters as it is."""

FEW = frozenset({"Binary", "Communication", "Patient", "Provenance", "ServiceRequest", "Task"})


@dataclass(frozen=True)
class Scene:
    house: WholeHouse
    statement: Tree
    """The CapabilityStatement."""
    between_others: Owned
    draft: Owned
    rejected: Owned
    labels: dict[Request, str]
    """Requests that name nothing foreign."""
    before: dict[Request, Answer]
    """What the ob-clinic was answered to these before there was anything foreign."""
    after: dict[Request, Answer]
    """And when there was, before it tried anything else."""

    @property
    def third(self) -> Caller:
        return self.house.caller(THIRD)

    @property
    def author(self) -> Caller:
        return self.house.caller(SENDER)

    def group(self, name: str) -> tuple[Caller, Owned, list[Attempt]]:
        """Who tries what on whose."""
        caller, foreign, attempts = {
            "interactions": (THIRD, self.between_others, interactions),
            "searches": (THIRD, self.between_others, searches),
            "beside FHIR": (THIRD, self.between_others, lambda _, foreign: beside_fhir(foreign, audit=True)),
            "its draft": (FORMER, self.draft, _of_few),
            "after rejecting": (FORMER, self.rejected, _of_what_was_read),
            "recipient of another, draft": (RECEIVER, self.draft, _of_few),
            "recipient of another, rejected": (RECEIVER, self.rejected, _of_few),
        }[name]
        return self.house.caller(caller), foreign, list(attempts(self.statement, foreign))


GROUPS = (
    *("interactions", "searches", "beside FHIR", "its draft", "after rejecting"),
    *("recipient of another, draft", "recipient of another, rejected"),
)


def interactions(statement: Tree, foreign: Owned, types: frozenset[str] | None = None) -> Iterator[Attempt]:
    """Every interaction and operation on every type, or on `types`."""
    for each in statement["rest"][0]["resource"]:
        type_ = each["type"]
        if types is None or type_ in types:
            yield from on_type(each, foreign, varied=type_ in CARRIED)
            if type_ in CARRIED:
                yield from on_system(statement, type_, foreign)
                yield from by_condition(type_, foreign)


def searches(statement: Tree, foreign: Owned, types: frozenset[str] | None = None) -> Iterator[Attempt]:
    """Every search parameter and include of every type, or of `types`."""
    rest = statement["rest"][0]
    for each in rest["resource"]:
        if types is None or each["type"] in types:
            yield from by_searching(each, rest["searchParam"], foreign, modified=each["type"] in SEARCHED)


def _of_what_was_read(statement: Tree, foreign: Owned) -> Iterator[Attempt]:
    yield from interactions(statement, foreign, FEW | SEARCHED)
    yield from searches(statement, foreign, FEW)
    # Whoever had a part sees in the trail what it did then, and nothing else (test_borrowed_names.py).
    yield from beside_fhir(foreign, audit=False)


def _of_few(statement: Tree, foreign: Owned) -> Iterator[Attempt]:
    yield from interactions(statement, foreign, FEW)
    yield from searches(statement, foreign, frozenset({"Patient"}))
    yield from beside_fhir(foreign, audit=True)


def set_scene(house: WholeHouse) -> Scene:
    """Everybody gets what is theirs; what the ob-clinic sees is asked for before and after."""
    author, third, former = house.caller(SENDER), house.caller(THIRD), house.caller(FORMER)
    statement = author.get("metadata").tree
    resources = statement["rest"][0]["resource"]
    types = [each["type"] for each in resources if any(i["code"] == "create" for i in each["interaction"])]

    own = Mark("zqown0000000", "1955-02-03", 5000)
    sent(third, THIRD, own, planned(THIRD, "case-management", own, types, "draft"), "key-own-00000")

    mark = Mark("zqforeign000", "1911-02-03", 4111)
    entries = planned(SENDER, RECEIVER, mark, types)
    unsent = owned(SENDER, mark, entries)
    plan = [*interactions(statement, unsent), *searches(statement, unsent), *beside_fhir(unsent, audit=True)]
    labels = without_values(plan, unsent)
    before = answers(third, labels, unsent)

    between_others = sent(author, SENDER, mark, entries, "key-foreign-00")
    mark = Mark("zqdraft00000", "1921-02-03", 4211)
    draft = sent(author, SENDER, mark, planned(SENDER, FORMER, mark, types, "draft"), "key-draft-0000")
    mark = Mark("zqrejected00", "1931-02-03", 4311)
    rejected = sent(author, SENDER, mark, planned(SENDER, FORMER, mark, types), "key-rejected-0")
    assert former.get(f"Patient/{rejected.id('Patient')}").status == 200, "it reads before it rejects"
    assert former.move(f"Task/{rejected.id('Task')}", "rejected", reason="full").status == 200
    after = answers(third, labels, unsent)
    return Scene(house, statement, between_others, draft, rejected, labels, before, after)
