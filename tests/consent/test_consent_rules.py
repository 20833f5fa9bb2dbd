"""The rules by themselves: what a Consent permits, what stands with a handoff, who reads which of its resources."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapter.domain.consent import Directive, Why, permit_for
from adapter.domain.disclosure import (
    COUNSELING_NOTES,
    PART2,
    Basis,
    Disclosure,
    DisclosureChange,
    Permit,
    Restriction,
)
from adapter.domain.handoff import Handoff, readers_of
from mappings import consent as consent_mapping
from mappings.consent import end_of
from mappings.security_labels import kinds_in, restricted_kinds
from tests.consent.records import ACT, NOTES, permission
from tests.consent.records import PART2 as LABEL
from tests.consent.records import consent as consent_of
from tests.whole_house import Tree

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
RECORD = Restriction(PART2, "Patient/1", "clinic")
NOTE = Restriction(COUNSELING_NOTES, "Patient/1", "clinic")


def directive(provision: Tree, author: str = "clinic", **more: Any) -> Directive:
    tree = {**consent_of("Patient/1", provision), "id": "c1", **more}
    named = lambda element: element.get("reference", "").removeprefix("Organization/") or None  # noqa: E731
    return consent_mapping.from_fhir(tree, version=1, author=author, named=named)


def verdict(*given: Directive, restriction: Restriction = RECORD, now: datetime = NOW) -> Permit | Why:
    permit, why = permit_for(restriction, "b", given, now)
    return permit or why


def test_a_permit_ends_where_the_narrowest_period_around_it_does() -> None:
    inner = permission("b", period={"end": "2026-06-01"})
    assert verdict(directive({"period": {"end": "2026-05-01"}, "provision": [inner]})) == Permit(
        "Consent/c1", datetime(2026, 5, 2, tzinfo=UTC)
    )


def test_what_stands_above_a_provision_narrows_it() -> None:
    inner = permission("b", purpose=None, securityLabel=None, period=None)
    outer = permission(type=None, period=None)
    assert verdict(directive({**outer, "provision": [inner]})) == Permit("Consent/c1", None)
    assert verdict(directive({**outer, "purpose": [{"code": "HRESCH"}], "provision": [inner]})) is Why.OTHER_PURPOSE
    other = permission("c", type=None, period=None)["actor"]
    assert verdict(directive({**outer, "actor": other, "provision": [inner]})) is Why.OTHER_RECIPIENT


def test_a_root_that_denies_leaves_its_exceptions_in_force() -> None:
    assert isinstance(verdict(directive({"type": "deny", "provision": [permission("b")]})), Permit)
    assert verdict(directive({"type": "deny", "provision": [permission("c")]})) is Why.DENIED


def test_an_opt_in_permits_what_its_root_describes_and_an_opt_out_does_not() -> None:
    root = permission("b", type=None)
    assert isinstance(verdict(directive(root, policyRule={"coding": [{"system": ACT, "code": "OPTIN"}]})), Permit)
    assert verdict(directive(root)) is Why.NO_CONSENT


def test_a_denial_that_begins_later_ends_the_permit_then() -> None:
    later = {"type": "deny", "period": {"start": "2026-04-01T00:00:00Z"}}
    permitted = directive(permission("b"))
    assert verdict(permitted, directive(later)) == Permit("Consent/c1", datetime(2026, 4, 1, tzinfo=UTC))


def test_a_denial_that_is_over_or_about_something_else_denies_nothing() -> None:
    permitted = directive(permission("b"))
    for other in (
        permission("b", type="deny", period={"end": "2026-03-01"}),
        permission("c", type="deny"),
        permission("b", type="deny", purpose=[{"code": "HMARKT"}]),
        permission("b", type="deny", securityLabel=[{"code": "HIV"}], **{"class": [{"code": "Task"}]})
        | {"purpose": [{"code": "HMARKT"}]},
    ):
        assert isinstance(verdict(permitted, directive(other)), Permit)


@pytest.mark.parametrize("labels", [[], [LABEL], [{"code": "R"}], [LABEL, NOTES]], ids=str)
def test_a_denial_is_read_as_widely_as_it_may_be_meant(labels: list[Tree]) -> None:
    denied = directive(permission("b", type="deny", securityLabel=labels, **{"class": [{"code": "Task"}]}))
    restriction = NOTE if NOTES in labels else RECORD
    allowed = [directive(permission("b")), directive(permission("b", securityLabel=[LABEL, NOTES]), id="c2")]
    assert verdict(*allowed, denied, restriction=restriction) is Why.DENIED


def test_a_consent_counts_for_the_records_of_its_author_and_of_its_patient_only() -> None:
    assert verdict(directive(permission("b"), author="b")) is Why.NO_CONSENT
    assert verdict(directive(permission("b"), patient={"reference": "Patient/2"})) is Why.NO_CONSENT
    nobody = Restriction(PART2, "", "clinic")
    assert verdict(directive(permission("b"), patient={"reference": ""}), restriction=nobody) is Why.NO_CONSENT


def test_of_several_permits_the_one_that_lasts_longest_counts() -> None:
    short = directive(permission("b", period={"end": "2026-04-01"}))
    long = directive(permission("b", period=None), id="c2")
    assert verdict(short, long) == Permit("Consent/c2", None)


def test_a_consent_without_a_date_is_not_signed() -> None:
    assert verdict(directive(permission("b"), dateTime=None)) is Why.NOT_ACTIVE


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("2026-03-02T16:00:00Z", "2026-03-02T16:00:00+00:00"),
        ("2026-03-02T16:00:00-05:00", "2026-03-02T21:00:00+00:00"),
        ("2026-03-31", "2026-04-01T00:00:00+00:00"),
        ("2026-12", "2027-01-01T00:00:00+00:00"),
        ("2026-02", "2026-03-01T00:00:00+00:00"),
        ("2026", "2027-01-01T00:00:00+00:00"),
    ],
)
def test_a_period_ends_with_the_day_the_month_or_the_year_that_it_names(text: str, over: str) -> None:
    assert end_of(text) == datetime.fromisoformat(over)
    assert end_of(None) is None


def handoff(**more: Any) -> Handoff:
    plain = Handoff("t", "requested", "clinic", "b", "referral", "Patient/1", None, NOW, NOW, "clinic", None)
    return replace(plain, **more)


OPEN = {(RECORD, "b"): Permit("Consent/1", NOW)}


def test_a_handoff_without_restrictions_is_read_by_its_parties() -> None:
    assert handoff().readers == {"clinic", "b"}
    assert readers_of("clinic", (), [handoff()]) == {"clinic": Basis(), "b": Basis()}


def test_of_a_restricted_handoff_the_initiator_and_those_with_a_permit_read() -> None:
    closed = handoff(disclosure=Disclosure(frozenset({RECORD})), escalated_to=("e",))
    assert closed.readers == {"clinic"}
    opened = replace(closed, disclosure=Disclosure(frozenset({RECORD}), OPEN))
    assert opened.readers == {"clinic", "b"}
    assert opened.may_be_read_by("b", NOW - timedelta(seconds=1))
    assert not opened.may_be_read_by("b", NOW)
    assert opened.may_be_read_by("clinic", NOW)


def test_what_belongs_to_two_handoffs_is_read_by_the_better_right() -> None:
    restricted = handoff(disclosure=Disclosure(frozenset({RECORD}), OPEN))
    assert readers_of("clinic", (), [restricted])["b"] == Basis(("Consent/1",), NOW)
    assert readers_of("clinic", (), [restricted, handoff(id="u")])["b"] == Basis()
    longer = Disclosure(frozenset({RECORD}), {(RECORD, "b"): Permit("Consent/2", NOW + timedelta(days=1))})
    both = readers_of("clinic", (), [restricted, handoff(id="u", disclosure=longer)])
    assert both["b"] == Basis(("Consent/2",), NOW + timedelta(days=1))


def test_what_bears_a_restriction_itself_is_closed_to_the_initiator_too_when_it_is_not_its_own() -> None:
    of_recipient = Restriction(PART2, "Patient/1", "b")
    given = handoff(disclosure=Disclosure(frozenset({of_recipient})))
    assert given.readers == {"clinic", "b"}
    assert set(readers_of("b", (of_recipient,), [given])) == {"b"}


def test_a_change_keeps_what_another_added_and_ends_what_rests_on_a_revised_consent() -> None:
    added_meanwhile = Disclosure(frozenset({RECORD, NOTE}), {**OPEN, (NOTE, "b"): Permit("Consent/2", None)})
    revoked = DisclosureChange("t", permits={}, revised=frozenset({"Consent/1"}))
    after = added_meanwhile.changed(revoked)
    assert after.restrictions == {RECORD, NOTE}
    assert set(after.permits) == {(NOTE, "b")}


def test_labels_are_known_by_their_codes_and_notes_by_two_of_them() -> None:
    assert restricted_kinds([LABEL]) == {PART2}
    assert restricted_kinds([LABEL, NOTES]) == {PART2, COUNSELING_NOTES}
    assert restricted_kinds([NOTES, {"code": "R"}, {}]) == frozenset()
    assert kinds_in({"resourceType": "Patient", "meta": {"security": []}}, b"{}") == frozenset()
    assert kinds_in({"resourceType": "Patient"}, b"{}") == frozenset()
