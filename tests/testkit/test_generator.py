"""Generated bundles: as many entries as asked, the same for the same seed, and complete for their pathway."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from adapter.domain.gates import unmet
from adapter.pathways import load_pathways
from adapter.testkit.generator import MIX, generate, generate_mix
from adapter.validation import check
from mappings.facts import extract_facts

PATHWAYS = load_pathways()

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def of_type(bundle, name):
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == name]


@pytest.mark.parametrize("entries", [10, 100, 400])
def test_a_bundle_has_exactly_as_many_entries_as_asked(entries):
    (bundle,) = generate("referral", 1, 1, entries=entries, at=AT)
    assert len(bundle["entry"]) == entries
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == entries


def test_fewer_entries_than_a_handoff_has_are_refused():
    with pytest.raises(ValueError, match="at least 10"):
        next(generate("referral", 1, 1, entries=9))


def test_the_same_seed_gives_the_same_bundles_and_another_seed_others():
    def as_text(seed):
        return [json.dumps(bundle) for bundle in generate("referral", seed, 3, at=AT)]

    assert as_text(1) == as_text(1)
    assert set(as_text(1)).isdisjoint(as_text(2))
    assert len(set(as_text(1))) == 3


def test_business_identifiers_do_not_repeat():
    bundles = list(generate("referral", 1, 200, at=AT))
    numbers = {of_type(bundle, "ServiceRequest")[0]["identifier"][0]["value"] for bundle in bundles}
    assert len(numbers) == 200


def test_a_crisis_bundle_names_its_pathway_and_brings_its_facts():
    (bundle,) = generate("mobile-crisis-to-outpatient", 1, 1, at=AT)
    (task,) = of_type(bundle, "Task")
    assert task["instantiatesCanonical"].endswith("PlanDefinition/mobile-crisis-to-outpatient")
    assert {item["type"]["coding"][0]["code"] for item in task["input"]} == {
        "recipient-contact", "missed-appointment-barrier", "preferred-contact",
    }  # fmt: skip
    (referral,) = generate("referral", 1, 1, at=AT)
    assert "instantiatesCanonical" not in of_type(referral, "Task")[0]


def test_every_reference_points_at_an_entry_or_a_partner():
    (bundle,) = generate("mobile-crisis-to-outpatient", 7, 1, entries=40, at=AT)
    full_urls = {entry["fullUrl"] for entry in bundle["entry"]}

    def references(node):
        if isinstance(node, dict):
            if isinstance(node.get("reference"), str):
                yield node["reference"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for item in node:
                yield from references(item)

    found = set(references(bundle))
    assert found - full_urls == {"Organization/mobile-crisis", "Organization/outpatient-clinic"}


def test_everybody_generated_is_marked_as_test_data():
    (bundle,) = generate("referral", 1, 1, entries=12, at=AT)
    assert all(entry["resource"]["meta"]["tag"][0]["code"] == "HTEST" for entry in bundle["entry"])


def test_a_mix_holds_every_pathway_about_as_often_as_it_occurs():
    counts = Counter(sent.pathway for sent in generate_mix(1, 1000, at=AT))
    assert set(counts) == set(PATHWAYS) == set(MIX)
    assert all(0.5 * MIX[name] < counts[name] / 10 < 2 * MIX[name] for name in MIX)


def test_the_same_seed_gives_the_same_mix_and_another_seed_another():
    def as_text(seed):
        return [json.dumps(sent) for sent in generate_mix(seed, 20, at=AT)]

    assert as_text(1) == as_text(1)
    assert set(as_text(1)).isdisjoint(as_text(2))


def test_every_bundle_of_a_mix_is_sound_and_passes_the_gates_of_its_request():
    for pathway, requester, owner, bundle in generate_mix(3, 150, at=AT):
        related = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
        assert [issue for tree in related.values() for issue in check(tree)] == []
        (task,) = of_type(bundle, "Task")
        assert task["requester"] == {"reference": f"Organization/{requester}"}
        facts = extract_facts(
            task, related, organisation_of=lambda r: r.removeprefix("Organization/"), requester=requester, owner=owner
        )
        rule = PATHWAYS[pathway]
        telecom_of_register = {"recipient-contact"}
        issues = unmet(rule, "request", facts, facts.risk_tier)
        assert [issue.text for issue in issues if not any(f"`{f}`" in issue.text for f in telecom_of_register)] == []


def test_people_in_a_mix_differ_in_coverage_access_and_length_of_record():
    sent = list(generate_mix(5, 300, at=AT))
    inputs = [item for each in sent for task in of_type(each.bundle, "Task") for item in task.get("input", ())]
    told = {item["valueCode"] for item in inputs if item["type"]["coding"][0]["code"] == "coverage"}
    assert told == {"insured", "medicaid", "uninsured", "unknown"}
    named = {item["type"]["coding"][0]["code"] for item in inputs}
    assert {"access-needs", "delegate", "immediate-resource"} <= named
    assert len({len(each.bundle["entry"]) for each in sent}) >= 3
