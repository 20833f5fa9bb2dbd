"""Every fact that the source documents require blocks exactly its own step when it is missing, and is named once.

The table is written by hand from the two source documents and not read from the pathway files: a requirement that is
dropped there, or moves to another step, is caught here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from whole_house import WholeHouse, whole_house

from adapter.domain.errors import Issue
from adapter.domain.facts import CATALOGUE, COVERAGES
from adapter.domain.gates import unmet
from adapter.domain.task_status import STAGES, Stage
from adapter.pathways import load_pathways
from adapter.testkit.elements import fact as fact_element
from adapter.testkit.whole_handoff import WholeHandoff, complete
from mappings.facts import extract_facts
from mappings.json_codec import decode, encode

PATHWAYS = load_pathways()


class Case(NamedTuple):
    """One kind of handoff: a pathway, a risk tier, a handoff method; and the facts that each step needs."""

    pathway: str
    request: tuple[str, ...]
    accept: tuple[str, ...] = ()
    complete: tuple[str, ...] = ("first-contact-attended",)
    tier: str | None = None
    method: str | None = None

    @property
    def id(self) -> str:
        return "-".join(part for part in (self.pathway, self.tier, self.method) if part)

    @property
    def stages(self) -> dict[Stage, tuple[str, ...]]:
        return {"request": self.request, "accept": self.accept, "complete": self.complete}


MOBILE = (
    "current-risk-level",
    "crisis-trigger",
    "recipient-contact",
    "safety-plan-summary",
    "missed-appointment-barrier",
    "preferred-contact",
)
MOBILE_ACCEPT = ("recipient-clinician", "risk-acknowledged", "appointment-time", "follow-up-owner")
STABILIZATION = ("current-risk-level", "risk-concerns-transferred", "medication-access", "transportation-plan")
STABILIZATION_ACCEPT = ("recipient-clinician", "live-contact", "appointment-confirmed", "responsibilities-accepted")
CASE = ("housing-risk-summary", "alternate-contact", "escalation-owner", "bridge-contact")
CASE_ACCEPT = ("recipient-clinician", "responsibilities-accepted")
MINIMUM = ("named-recipient", "handoff-method", "preferred-contact", "person-informed")

CASES = (
    # "Required fields must include", Example One; the visit ends in completion. The tiers: "the higher the risk, the
    # stronger the handoff control should be".
    Case("mobile-crisis-to-outpatient", MOBILE, (*MOBILE_ACCEPT, "appointment-confirmed"),
         ("live-contact", "first-contact-attended"), tier="low"),
    Case("mobile-crisis-to-outpatient", MOBILE, (*MOBILE_ACCEPT, "live-contact"),
         ("live-contact", "first-contact-attended"), tier="moderate"),
    Case("mobile-crisis-to-outpatient", MOBILE, (*MOBILE_ACCEPT, "live-contact", "same-day-outreach"),
         ("live-contact", "first-contact-attended"), tier="high"),
    # Example Two
    Case("stabilization-discharge", STABILIZATION, STABILIZATION_ACCEPT, tier="low"),
    Case("stabilization-discharge", STABILIZATION, STABILIZATION_ACCEPT, tier="moderate"),
    Case("stabilization-discharge", STABILIZATION, (*STABILIZATION_ACCEPT, "same-day-outreach"), tier="high"),
    # Example Three; the deadline for acceptance is stated or noon of the next day, and so always there
    Case("case-management-reengagement", CASE, CASE_ACCEPT),
    Case("case-management-reengagement", CASE, (*CASE_ACCEPT, "appointment-confirmed"), tier="low"),
    Case("case-management-reengagement", CASE, (*CASE_ACCEPT, "live-contact"), tier="moderate"),
    Case("case-management-reengagement", CASE, (*CASE_ACCEPT, "live-contact", "same-day-outreach"), tier="high"),
    # The perinatal handoffs
    Case("perinatal-minimum", MINIMUM),
    Case("perinatal-in-room-call", (*MINIMUM, "brief-summary"), ("appointment-time", "live-contact"),
         method="in-room-call"),
    Case("perinatal-in-room-call", (*MINIMUM, "brief-summary"), ("appointment-time", "live-contact"),
         method="three-way-call"),
    Case("perinatal-digital", (*MINIMUM, "submitted-in-presence", "phone-confirmation")),
    Case("perinatal-ob-visit", (*MINIMUM, "submitted-in-presence"), method="digital-form"),
    Case("perinatal-ob-visit", MINIMUM, ("live-contact", "appointment-time"), method="in-room-call"),
    Case("perinatal-pediatric-visit", (*MINIMUM, "visit-context", "submitted-in-presence"), method="portal-link"),
    Case("perinatal-pediatric-visit", (*MINIMUM, "visit-context"), ("live-contact", "appointment-time"),
         method="three-way-call"),
    Case("maternity-hospital-discharge", (*MINIMUM, "questions-contact"),
         ("appointment-confirmed", "appointment-place")),
    Case("iop-discharge", ("named-recipient", "discharge-summary", "last-session-time"),
         ("appointment-time", "appointment-place", "recipient-clinician"),
         ("first-contact-attended", "person-has-appointment")),
)  # fmt: skip
REQUIRED = [(case, stage, fact) for case in CASES for stage, facts in case.stages.items() for fact in facts]
IDS = [f"{case.id}-{stage}-{fact}" for case, stage, fact in REQUIRED]


def made(case: Case, *without: str) -> WholeHandoff:
    return complete(PATHWAYS[case.pathway], case.tier, method=case.method, without=without)


def issues_at(stage: Stage, handoff: WholeHandoff) -> list[Issue]:
    """What blocks a step, judged on what has been sent by then."""
    resources = {**handoff.request}
    task = {**resources["task"]}
    if stage != "request":
        resources.update(handoff.answer)
        task["output"] = [*handoff.outputs]
    if stage == "complete":
        resources.update(handoff.visit)
        task["output"] += handoff.last_outputs
    resources["task"] = task
    facts = extract_facts(
        task,
        {handoff.wording.url(name): tree for name, tree in resources.items()},
        organisation_of=lambda reference: reference.removeprefix("Organization/"),
    )
    return unmet(PATHWAYS[handoff.pathway], stage, facts, facts.risk_tier)


def test_every_pathway_is_tried() -> None:
    assert {case.pathway for case in CASES} == set(PATHWAYS) - {"referral"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_whole_handoff_passes_every_step(case: Case) -> None:
    assert [issues_at(stage, made(case)) for stage in STAGES] == [[], [], []]


@pytest.mark.parametrize(("case", "stage", "fact"), REQUIRED, ids=IDS)
def test_without_the_fact_its_step_is_refused_and_no_other_and_with_it_the_gate_opens(
    case: Case, stage: Stage, fact: str
) -> None:
    steps_that_need_it = {step for step, facts in case.stages.items() if fact in facts}
    lacking = made(case, fact)
    for step in STAGES:
        issues = issues_at(step, lacking)
        if step in steps_that_need_it:
            (issue,) = issues
            assert (issue.code, issue.expression) == ("business-rule", CATALOGUE[fact].element)
            assert f"`{fact}`" in issue.text
        elif fact != "named-recipient":  # without a recipient nobody can have answered
            assert issues == [], f"{fact} is needed to {stage}, not to {step}"
    assert issues_at(stage, made(case)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("coverage", [None, *sorted(COVERAGES), "a-card-that-nobody-knows"])
def test_coverage_never_blocks(case: Case, coverage: str | None) -> None:
    handoff = made(case)
    if coverage is not None:
        handoff.request["task"].setdefault("input", []).append(fact_element("coverage", "Code", coverage))
    assert [issues_at(stage, handoff) for stage in STAGES] == [[], [], []]


# The same through the whole application, over its own HTTP interface and a real database.


@pytest.fixture(scope="module")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHouse]:
    name = postgres.clone()
    with whole_house(postgres.postgres.url(name), tmp_path_factory.mktemp("house")) as house:
        yield house
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


def task_of(answer: Any, handoff: WholeHandoff) -> str:
    return str(answer.located[list(handoff.request).index("task")])


def addressed(tree: Any, handoff: WholeHandoff, answer: Any) -> Any:
    """What refers to the request by its urn refers to what it became."""
    text = encode(tree).decode()
    for name, located in zip(handoff.request, answer.located, strict=True):
        text = text.replace(handoff.wording.url(name), located)
    return decode(text.encode())


AT_THE_DOOR = [
    # The register publishes how to reach a demo partner, so that its contact is never missing there.
    (case, fact) for case in CASES for fact in case.request if fact != "recipient-contact"
]  # fmt: skip


@pytest.mark.parametrize(("case", "fact"), AT_THE_DOOR, ids=[f"{case.id}-{fact}" for case, fact in AT_THE_DOOR])
def test_a_request_without_the_fact_is_refused_at_the_door_and_kept_once_it_is_there(
    house: WholeHouse, case: Case, fact: str
) -> None:
    lacking, whole = made(case, fact), made(case)
    sender = house.caller(whole.requester)
    refused = sender.post("", lacking.transaction(lacking.request))
    assert refused.status == (400 if fact == "named-recipient" else 422)
    (issue,) = refused.issues
    element = CATALOGUE[fact].element
    type_, _, below = element.partition(".")
    entry = next((n for n, t in enumerate(lacking.request.values()) if t["resourceType"] == type_), None)
    assert issue["expression"] == [element if entry is None else f"Bundle.entry[{entry}].resource.{below}"]
    if fact != "named-recipient":
        assert issue["code"] == "business-rule"
        assert f"`{fact}`" in issue["details"]["text"]
    taken = sender.post("", whole.transaction(whole.request))
    assert taken.status == 200, taken.tree
    assert house.caller(whole.owner).get(task_of(taken, whole)).status == 200


@pytest.mark.parametrize("coverage", [None, *sorted(COVERAGES)])
def test_a_person_of_any_coverage_or_none_is_handed_over(house: WholeHouse, coverage: str | None) -> None:
    handoff = complete(PATHWAYS["perinatal-minimum"], chance=random.Random(str(coverage)))
    if coverage is not None:
        handoff.request["task"]["input"].append(fact_element("coverage", "Code", coverage))
    sent = house.caller(handoff.requester).post("", handoff.transaction(handoff.request))
    assert sent.status == 200, sent.tree
    assert house.caller(handoff.owner).move(task_of(sent, handoff), "accepted").status == 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_acceptance_and_completion_are_refused_for_all_that_is_missing_and_then_taken(
    house: WholeHouse, case: Case
) -> None:
    handoff = made(case)
    sent = house.caller(handoff.requester).post("", handoff.transaction(handoff.request))
    assert sent.status == 200, sent.tree
    task = task_of(sent, handoff)
    recipient = house.caller(handoff.owner)

    refused = recipient.move(task, "accepted")
    assert refused.status == (422 if case.accept else 200)
    if case.accept:
        assert {fact for fact in case.accept if f"needs the fact `{fact}`" in refused.text} == set(case.accept)
        assert len(refused.issues) == len(case.accept)
    answer = recipient.post("", addressed(handoff.transaction(handoff.answer), handoff, sent))
    assert answer.status == 200, answer.tree
    located = dict(zip(handoff.answer, answer.located, strict=True))

    def answering(tree: Any) -> Any:
        text = encode(addressed(tree, handoff, sent)).decode()
        for name, reference in located.items():
            text = text.replace(handoff.wording.url(name), reference)
        return decode(text.encode())

    def move(status: str, outputs: list[Any]) -> Any:
        patch: list[Any] = [{"op": "replace", "path": "/status", "value": status}]
        before = recipient.get(task).tree.get("output", [])
        if outputs:
            patch.append({"op": "add", "path": "/output", "value": [*before, *answering(outputs)]})
        return recipient.patch(task, patch, If_Match=recipient.get(task).etag)

    if case.accept:
        accepted = move("accepted", handoff.outputs)
        assert accepted.status == 200, accepted.tree
    assert move("in-progress", []).status == 200
    unseen = move("completed", [])
    assert unseen.status == 422
    missing = {fact for fact in case.complete if f"needs the fact `{fact}`" in unseen.text}
    assert missing == set(case.complete) - {"live-contact" if "call" in located else ""}
    visit = answering(handoff.visit["appointment"])
    kept = recipient.put(located["appointment"], {**visit, "id": located["appointment"].partition("/")[2]})
    assert kept.status == 200, kept.tree
    assert move("completed", handoff.last_outputs).status == 200
