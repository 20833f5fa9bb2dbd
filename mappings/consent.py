"""Consent → the directive that it is (https://hl7.org/fhir/R4/consent.html).

R4 does not allow `provision.type` at the root, where `policyRule` says OPTIN or OPTOUT; most systems write it all the
same, and it is read. An opt-out by itself permits nothing and denies nothing; `deny` in so many words does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from adapter.domain.consent import Directive, Provision
from mappings.security_labels import consented_kind
from mappings.times import parse_time

Tree = dict[str, Any]
Named = Callable[[Tree], str | None]
"""A Reference element of the Consent → the partner id that it names; None for none of the register."""

_RECIPIENT_ROLES: Final = frozenset({"IRCP", "PRCP"})
_DISCLOSING: Final = frozenset({"disclose", "access"})
_NARROWING: Final = ("class", "code", "dataPeriod", "data")
_DATE: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$")


def from_fhir(consent: Tree, *, version: int, author: str, named: Named) -> Directive:
    """The Consent, valid R4, that `author` sent."""
    scope = {coding.get("code") for coding in (consent.get("scope") or {}).get("coding", ())}
    root = _provision(consent.get("provision") or {}, named)
    rule = {coding.get("code") for coding in (consent.get("policyRule") or {}).get("coding", ())}
    if root.permits is None and "OPTIN" in rule:
        root = replace(root, permits=True)
    patient = (consent.get("patient") or {}).get("reference", "")
    return Directive(
        id=f"Consent/{consent['id']}",
        version=version,
        author=author,
        patient=patient.partition("/_history/")[0],
        in_force=consent.get("status") == "active" and "patient-privacy" in scope,
        signed=parse_time(consent.get("dateTime")),
        provision=root,
    )


def _provision(tree: Tree, named: Named) -> Provision:
    period = tree.get("period") or {}
    recipients = [a for a in tree.get("actor", ()) if _RECIPIENT_ROLES & set(_codes(a.get("role")))]
    purposes = frozenset(purpose.get("code", "") for purpose in tree.get("purpose", ()))
    actions = {code for action in tree.get("action", ()) for code in _codes(action)}
    return Provision(
        permits={"permit": True, "deny": False}.get(tree.get("type", "")),
        start=parse_time(period.get("start")),
        end=end_of(period.get("end")),
        recipients=frozenset(named(a.get("reference") or {}) or "" for a in recipients) if recipients else None,
        purposes=purposes or None,
        kinds=consented_kind(tree.get("securityLabel", ())),
        discloses=not actions or bool(actions & _DISCLOSING),
        narrowed=any(name in tree for name in _NARROWING),
        exceptions=tuple(_provision(exception, named) for exception in tree.get("provision", ())),
    )


def _codes(concept: Tree | None) -> Iterable[str]:
    return (coding.get("code", "") for coding in (concept or {}).get("coding", ()))


def end_of(text: str | None) -> datetime | None:
    """The moment at which a period is over: after the whole day, month or year that its end names (in UTC), at the very
    moment where it names one."""
    start = parse_time(text)
    date = _DATE.match(text) if text else None
    if start is None or date is None:
        return start
    _, month, day = date.groups()
    if day:
        return start + timedelta(days=1)
    if month and start.month < 12:
        return start.replace(month=start.month + 1)
    return start.replace(year=start.year + 1, month=1)
