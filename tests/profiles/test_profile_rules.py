"""What a profile demands is demanded of whoever claims it; the same examples and faults go to HL7's validator."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.domain.errors import BusinessRule, Invalid, Issue
from adapter.domain.handoff import Handoff, NextAction
from adapter.validation import check, refuse_invalid
from adapter.validation.profile_rules import Check, ElementRule, Surroundings
from adapter.validation.references import NO_ENTRIES, Container
from adapter.validation.snapshot import UnsupportedProfile, root_rule
from mappings import escalation_task, follow_up_task
from mappings.canonicals import BASE, EXT_ACCEPTANCE_DEADLINE, FHIR_TASK_CODE_SYSTEM
from mappings.json_codec import decode
from mappings.task import write_handoff
from profiles.build_package import PACKAGE
from profiles.examples import filled_samples
from profiles.faults import FAULTS

Json = dict[str, Any]
EXAMPLES = {file.name: file.read_bytes() for file in sorted(PACKAGE.glob("example/*.json"))}
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def example(profile: str) -> Json:
    return decode(next(raw for name, raw in EXAMPLES.items() if name.endswith(f"-example-{profile}.json")))  # type: ignore[no-any-return]


def claiming(profile: str, tree: Json) -> Json:
    return {**tree, "meta": {"profile": [f"{BASE}/StructureDefinition/{profile}"]}}


def told(issues: list[Issue]) -> list[str]:
    return [f"{issue.severity} {issue.code} at {issue.expression}: {issue.text}" for issue in issues]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_meets_the_profile_that_it_claims(name: str) -> None:
    assert told(check(decode(EXAMPLES[name]))) == []


@pytest.mark.parametrize("name", FAULTS)
def test_every_spoilt_example_is_refused_as_a_rule_of_business(name: str) -> None:
    profile, spoil = FAULTS[name]
    tree = example(profile)
    spoil(tree)
    with pytest.raises(BusinessRule) as refusal:
        refuse_invalid(tree)
    assert all((issue.expression or "").startswith(tree["resourceType"]) for issue in refusal.value.issues)


EXPECTED = {
    "task-without-code": ("required", "Task.code"),
    "task-with-another-code": ("value", "Task.code"),
    "task-for-a-group": ("value", "Task.for.reference"),
    "task-without-owner": ("invariant", "Task"),
    "task-with-unknown-method": ("code-invalid", "Task.input[3].value"),
    "task-with-method-as-text": ("structure", "Task.input[3].value"),
    "task-with-deadline-as-text": ("structure", "Task.extension[0].value"),
    "task-with-action-of-nobody": ("required", "Task.extension[0].extension"),
    "task-with-unknown-action": ("code-invalid", "Task.extension[0].extension[1].value"),
    "task-that-says-it-is-a-plan": ("invalid", "Task.meta.profile[0]"),
    "plan-with-deadline": ("extension", "CarePlan.extension[0]"),
    "plan-of-another-category": ("required", "CarePlan.category"),
    "risk-of-unknown-tier": ("code-invalid", "RiskAssessment.prediction[0].qualitativeRisk"),
    "bundle-without-task": ("required", "Bundle.entry"),
    "bundle-with-ownerless-task": ("invariant", "Bundle.entry[7].resource"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_issue_says_what_and_where(name: str) -> None:
    profile, spoil = FAULTS[name]
    tree = example(profile)
    spoil(tree)
    assert EXPECTED[name] in [(issue.code, issue.expression) for issue in check(tree)]


def test_what_is_wrong_by_the_base_specification_is_told_first_and_as_such() -> None:
    tree = example("handoff-task")
    del tree["code"]
    tree["status"] = "bogus"
    with pytest.raises(Invalid) as refusal:
        refuse_invalid(tree)
    assert [issue.expression for issue in refusal.value.issues] == ["Task.status"]


def test_nothing_is_demanded_of_a_resource_that_claims_nothing() -> None:
    assert refuse_invalid({"resourceType": "Task", "status": "requested", "intent": "order"}) == []


def test_a_profile_that_is_not_known_is_warned_about_wherever_it_is_claimed() -> None:
    patient: Json = {"resourceType": "Patient", "meta": {"profile": ["https://elsewhere.example/Patient|1.0"]}}
    bundle: Json = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}
    organization = {**patient, "resourceType": "Organization", "id": "o", "name": "Clinic"}
    held = {"resourceType": "Patient", "contained": [organization], "managingOrganization": {"reference": "#o"}}
    assert [(i.severity, i.code, i.expression) for tree in (patient, bundle, held) for i in refuse_invalid(tree)] == [
        ("warning", "not-found", "Patient.meta.profile[0]"),
        ("warning", "not-found", "Bundle.entry[0].resource.meta.profile[0]"),
        ("warning", "not-found", "Patient.contained[0].meta.profile[0]"),
    ]


@pytest.mark.parametrize("version", ["", "|0.1.0"])
def test_a_claim_may_name_a_version(version: str) -> None:
    tree = example("handoff-appointment")
    del tree["basedOn"]
    tree["meta"]["profile"][0] += version
    assert [(issue.code, issue.expression) for issue in check(tree)] == [("required", "Appointment.basedOn")]


def test_claiming_the_base_resource_is_claiming_nothing() -> None:
    base = "http://hl7.org/fhir/StructureDefinition/Patient"
    assert check({"resourceType": "Patient", "meta": {"profile": [base]}}) == []


def test_our_extensions_are_checked_without_any_claim() -> None:
    task: Json = {"resourceType": "Task", "status": "requested", "intent": "order"}
    task["extension"] = [
        {"url": "https://elsewhere.example/ext", "valueString": "theirs"},
        {"url": EXT_ACCEPTANCE_DEADLINE, "valueString": "soon"},
    ]
    assert ("structure", "Task.extension[1].value") in [(i.code, i.expression) for i in check(task)]


def test_our_extensions_stand_once_each_also_without_any_claim() -> None:
    deadline = {"url": EXT_ACCEPTANCE_DEADLINE, "valueDateTime": "2026-02-01T12:00:00Z"}
    task: Json = {"resourceType": "Task", "status": "requested", "intent": "order", "extension": [deadline, deadline]}
    assert [(i.code, i.expression) for i in check(task)] == [("structure", "Task.extension[1]")]


def test_a_misspelt_extension_of_ours_is_warned_about() -> None:
    task: Json = {"resourceType": "Task", "status": "requested", "intent": "order"}
    task["extension"] = [{"url": f"{BASE}/StructureDefinition/acceptance-dedline", "valueDateTime": "2026-02-01"}]
    assert [(i.severity, i.code, i.expression) for i in check(task)] == [("warning", "not-found", "Task.extension[0]")]


def test_texts_hold_nothing_of_what_was_sent() -> None:
    for name, (profile, spoil) in FAULTS.items():
        tree = example(profile)
        spoil(tree)
        texts = " ".join(issue.text for issue in check(tree))
        assert "pigeon" not in texts and "somebody" not in texts and "very-high" not in texts, name


def handoff(**elements: Any) -> Handoff:
    made: Json = {
        "id": "h1", "status": "requested", "requester": "mobile-crisis", "owner": "outpatient-clinic",
        "pathway": "referral", "patient": "Patient/p1", "focus": "ServiceRequest/r1", "authored_on": NOW,
        "updated_at": NOW, "responsible": "mobile-crisis", "business_status": "awaiting-acceptance",
        "next_action": NextAction("answer", "outpatient-clinic", NOW), "acceptance_deadline": NOW,
    }  # fmt: skip
    return Handoff(**{**made, **elements})


def test_what_the_adapter_writes_on_a_handoff_meets_its_own_profile() -> None:
    tree = example("handoff-task")
    write_handoff(tree, handoff())
    assert told(check(tree)) == []
    assert len(tree["extension"]) == 3


def test_the_child_tasks_that_the_adapter_opens_meet_their_profiles() -> None:
    child = handoff(id="h2", part_of="h1", owner="case-management")
    escalation = escalation_task.to_fhir(
        child, named={"reference": "PractitionerRole/x"}, reason="acceptance-overdue", at=NOW
    )
    follow_up = follow_up_task.to_fhir(
        handoff(), owner="mobile-crisis", clock="follow-up", says="Look what became of it.", at=NOW, until=NOW
    )
    assert told(check(claiming("escalation-task", escalation))) == []
    assert told(check(claiming("follow-up-task", follow_up))) == []


CLAIMED = {
    "ServiceRequest": "handoff-service-request",
    "RiskAssessment": "handoff-risk-assessment",
    "Communication": "handoff-communication",
    "Appointment": "handoff-appointment",
}


def test_what_the_samples_send_would_meet_the_profiles_too() -> None:
    seen = 0
    for name, content in filled_samples():
        tree = json.loads(content)
        for entry in tree.get("entry", [{"resource": tree}]):
            profile = CLAIMED.get(entry["resource"]["resourceType"])
            if profile and "message-without-task" not in name:
                seen += 1
                assert told(check(claiming(profile, entry["resource"]))) == [], name
    assert seen > 20


# Rules that our profiles do not use, on a profile made for it.


def definition(*elements: Json) -> Json:
    root: Json = {"id": "Patient", "path": "Patient", "min": 0, "max": "*"}
    return {
        "url": f"{BASE}/StructureDefinition/made-up", "type": "Patient", "id": "made-up",
        "snapshot": {"element": [root, *elements]}, "differential": {"element": list(elements)},
    }  # fmt: skip


def element(id_: str, low: int = 0, high: str = "*", **rest: Any) -> Json:
    path = ".".join(part.partition(":")[0] for part in id_.split("."))
    return {"id": id_, "path": path, "min": low, "max": high, "base": {"path": path, "min": 0, "max": "*"}, **rest}


def sliced(kind: str, path: str, rules: str = "open") -> Json:
    discriminator = [{"type": kind, "path": path}]
    return element("Patient.telecom", type=[{"code": "ContactPoint"}],
                   slicing={"discriminator": discriminator, "rules": rules})  # fmt: skip


def named(low: int = 0, high: str = "*") -> Json:
    return element("Patient.telecom:one", low, high, sliceName="one", type=[{"code": "ContactPoint"}])


def found(made: Json, **patient: Any) -> list[tuple[str, str | None]]:
    rule = root_rule(made)

    def none_other(url: str) -> ElementRule:
        raise AssertionError(url)

    around = Surroundings(NO_ENTRIES, Container(None, {}))
    issues = Check("made-up", around, none_other).object(patient, rule, "Patient")
    return [(issue.code, issue.expression) for issue in issues]


PHONE: Json = {"system": "phone", "value": "+1 555 0100"}
MAIL: Json = {"system": "email", "value": "a@b.example"}


def test_a_slice_is_told_apart_by_a_fixed_value_and_counted() -> None:
    made = definition(
        sliced("value", "system"), named(1, "1"), element("Patient.telecom:one.system", fixedCode="phone")
    )
    assert found(made, telecom=[PHONE, MAIL]) == []
    assert found(made, telecom=[MAIL]) == [("required", "Patient.telecom")]
    assert found(made) == []
    assert found(made, telecom=[PHONE, PHONE]) == [("structure", "Patient.telecom")]


def test_a_closed_slicing_takes_nothing_else() -> None:
    made = definition(
        sliced("value", "system", "closed"), named(), element("Patient.telecom:one.system", fixedCode="phone")
    )
    assert found(made, telecom=[PHONE, MAIL]) == [("structure", "Patient.telecom[1]")]


def test_a_slice_is_told_apart_by_what_exists() -> None:
    made = definition(
        sliced("exists", "rank"), named(0, "1"), element("Patient.telecom:one.rank", 1, "1", type=[{"code": "integer"}])
    )
    ranked = {**PHONE, "rank": 1}
    assert found(made, telecom=[ranked, PHONE]) == []
    assert found(made, telecom=[ranked, ranked]) == [("structure", "Patient.telecom")]


def test_an_element_may_be_forbidden_and_a_value_fixed() -> None:
    made = definition(element("Patient.photo", high="0", type=[{"code": "Attachment"}]),
                      element("Patient.gender", fixedCode="other", type=[{"code": "code"}]))  # fmt: skip
    assert found(made, gender="other") == []
    assert found(made, photo=[{"title": "x"}], gender="male") == [
        ("structure", "Patient.photo"),
        ("value", "Patient.gender"),
    ]


@pytest.mark.parametrize(
    "elements",
    [
        (sliced("profile", "$this"), named()),
        (sliced("value", "system"), named()),
        (element("Patient.nickname", 1, "1"),),
        (element("Patient.gender", type=[{"code": "code"}],
                 constraint=[{"key": "made-up-1", "severity": "error", "human": "x", "expression": "true"}]),),
    ],
    ids=["a discriminator by profile", "nothing to tell slices by", "an element that R4 lacks", "an invariant"],
)  # fmt: skip
def test_what_cannot_be_checked_is_refused_when_it_is_compiled(elements: tuple[Json, ...]) -> None:
    with pytest.raises(UnsupportedProfile):
        root_rule(definition(*elements))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_whatever_is_sent_is_answered_with_issues_and_never_a_crash(name: str, data: st.DataObject) -> None:
    tree = decode(EXAMPLES[name])
    key = data.draw(st.sampled_from(sorted(set(tree) - {"resourceType"})))
    tree[key] = data.draw(JSON | st.just([]) | st.just(FHIR_TASK_CODE_SYSTEM))
    assert all(issue.text and issue.code for issue in check(tree))
