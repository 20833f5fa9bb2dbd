"""The audit trail says what was labelled, and by which Consent it was shown; logs say neither."""

from __future__ import annotations

import pytest

from tests.consent.records import PART2, Clinic, consent, permission, referral
from tests.whole_house import Tree


def events(clinic: Clinic, key: str) -> list[Tree]:
    page = clinic.own.get(f"AuditEvent?entity={key}").tree
    return [e["resource"] for e in page.get("entry", ())]


def labelled(event: Tree, key: str) -> set[str]:
    entities = [e for e in event["entity"] if e["what"].get("reference", "").startswith(key)]
    return {label["code"] for entity in entities for label in entity.get("securityLabel", ())}


def test_a_disclosure_is_written_down_with_its_label_and_the_consent_that_allowed_it(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.recipient.get(sent.condition)
    clinic.recipient.get(sent.task)
    (read,) = [e for e in events(clinic, sent.condition) if e["action"] == "R"]
    assert "42CFRPart2" in labelled(read, sent.condition)
    assert sent.consent in {entity["what"].get("reference") for entity in read["entity"]}
    (asked,) = [e for e in events(clinic, sent.task) if e["action"] == "R"]
    assert sent.consent in {entity["what"].get("reference") for entity in asked["entity"]}


def test_what_was_written_with_a_label_is_written_down_with_it(clinic: Clinic) -> None:
    sent = clinic.begin()
    (written,) = events(clinic, sent.condition)
    assert "42CFRPart2" in labelled(written, sent.condition)
    assert labelled(written, sent.patient) == set()


def test_what_nobody_labelled_is_written_down_as_before(clinic: Clinic) -> None:
    sent = clinic.begin(labels=(), consents=())
    clinic.recipient.get(sent.condition)
    for event in events(clinic, sent.condition):
        assert "securityLabel" not in str(event) and "Consent/" not in str(event)


def test_no_label_and_no_consent_is_written_into_a_log(clinic: Clinic, capfd: pytest.CaptureFixture[str]) -> None:
    sent = clinic.begin()
    clinic.send(consents=())
    clinic.recipient.get(sent.condition)
    clinic.revoke(sent)
    clinic.recipient.get(sent.task)
    clinic.own.post("", {**referral(consents=()), "meta": {"security": [PART2]}})
    clinic.own.post("Consent", consent(sent.patient, permission()))
    said = capfd.readouterr()
    for word in ("42CFR", "Part2", "Consent/", "Opioid", "Canaryname"):
        assert word not in said.out + said.err
