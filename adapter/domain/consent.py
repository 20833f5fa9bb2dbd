"""Does this Consent let this organisation have these records now? https://hl7.org/fhir/R4/consent.html#provisions

What 42 CFR 2.31(a) wants in writing must be there: whose records, by whom, of what kind, to whom, what for, signed
when. What is not said is not permitted, and what cannot be judged here (a provision narrowed to classes, codes or
single resources) permits nothing and denies everything that it may mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from math import inf
from typing import Final

from adapter.domain.disclosure import COUNSELING_NOTES, PART2, Permit, Restriction

CARE: Final = frozenset({"TREAT", "COC"})
"""What a handoff discloses for: treatment, coordination of care (http://terminology.hl7.org/CodeSystem/v3-ActReason)."""
CONFIDENTIAL: Final = "confidential"
"""What a provision is about that names a level of confidentiality and nothing else: too little to permit by."""
TPO: Final = frozenset({"TREAT", "HPAYMT", "HOPERAT"})
"""A single consent for treatment, payment and health care operations may speak of "my treating providers" instead of
naming each (42 CFR 2.31(a)(4)(i)): it names nobody, and so means every recipient."""


@dataclass(frozen=True, slots=True)
class Provision:
    """One rule. `permits` is None where it says nothing by itself; None of the others means that it does not narrow.

    `recipients` are partner ids, "" for one that is no registered partner; `kinds` the restrictions that its security
    labels mean; `narrowed` says that it has criteria that are not judged here."""

    permits: bool | None = None
    start: datetime | None = None
    end: datetime | None = None
    recipients: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    discloses: bool = True
    """False when its actions are others than to disclose."""
    narrowed: bool = False
    exceptions: tuple[Provision, ...] = ()


@dataclass(frozen=True, slots=True)
class Directive:
    """A Consent as far as it decides: `id` is `Consent/id`; `author`, the organisation that sent it, is the one whose
    records it speaks of. `in_force`: its status is `active`, its scope patient privacy. `signed`: its dateTime."""

    id: str
    version: int
    author: str
    patient: str
    in_force: bool
    signed: datetime | None
    provision: Provision


class Why(IntEnum):
    """Why a Consent does not permit, the farther the nearer it came."""

    NO_CONSENT = 0
    NOT_ACTIVE = 1
    OTHER_RECIPIENT = 2
    OTHER_PURPOSE = 3
    OTHER_RECORDS = 4
    NOT_IN_FORCE = 5
    DENIED = 6

    @property
    def code(self) -> str:
        return self.name.lower().replace("_", "-")


def permit_for(
    restriction: Restriction, recipient: str, directives: Iterable[Directive], now: datetime
) -> tuple[Permit | None, Why]:
    """What opens `restriction` for `recipient` now, the one that lasts longest; else why nothing does. A Consent
    counts for what its own author discloses, so that nobody opens the records of others; a denial outweighs every
    permission."""
    nearest, found, ends = Why.NO_CONSENT, list[Permit](), list[datetime]()
    for directive in directives:
        if directive.author != restriction.author or directive.patient != restriction.patient or not directive.patient:
            continue
        if not directive.in_force or directive.signed is None or directive.signed > now:
            nearest = max(nearest, Why.NOT_ACTIVE)
            continue
        verdict = _Reading(directive.id, restriction, recipient, now, ends).decide((directive.provision,))
        if verdict is Why.DENIED:
            return None, Why.DENIED
        if isinstance(verdict, Why) or _combined(directive, restriction):
            nearest = max(nearest, verdict if isinstance(verdict, Why) else Why.OTHER_RECORDS)
        else:
            found.append(verdict)
    if not found:
        return None, nearest
    best = max(found, key=lambda permit: _lasting(permit.until))
    return best._replace(until=min((end for end in [*ends, best.until] if end is not None), default=None)), nearest


def _lasting(until: datetime | None) -> float:
    return inf if until is None else until.timestamp()


@dataclass(frozen=True, slots=True)
class _Reading:
    """One Consent, read for one disclosure. `ends` collects when a denial will begin to hold."""

    consent: str
    restriction: Restriction
    recipient: str
    now: datetime
    ends: list[datetime]

    def decide(self, path: tuple[Provision, ...]) -> Permit | Why:
        """By the last provision of `path`, unless an exception to it decides. What the others narrow narrows it too."""
        exceptions = [self.decide((*path, exception)) for exception in path[-1].exceptions]
        if Why.DENIED in exceptions:
            return Why.DENIED
        verdicts = [*exceptions, self._judge(path)]
        permits = [verdict for verdict in verdicts if isinstance(verdict, Permit)]
        if permits:
            return max(permits, key=lambda permit: _lasting(permit.until))
        return max(verdict for verdict in verdicts if isinstance(verdict, Why))

    def _judge(self, path: tuple[Provision, ...]) -> Permit | Why:
        if path[-1].permits is None:
            return Why.NO_CONSENT
        if not path[-1].permits:
            return self._deny(path)
        recipients = [p.recipients for p in path if p.recipients is not None]
        purposes = [p.purposes for p in path if p.purposes is not None]
        kinds = [p.kinds for p in path if p.kinds is not None]
        if not all(self.recipient in named for named in recipients):
            return Why.OTHER_RECIPIENT
        if not recipients and not any(named >= TPO for named in purposes):
            return Why.OTHER_RECIPIENT
        if not purposes or not all(CARE & named for named in purposes):
            return Why.OTHER_PURPOSE
        if any(p.narrowed or not p.discloses for p in path):
            return Why.OTHER_RECORDS
        if not kinds or not all(self.restriction.kind in named for named in kinds):
            return Why.OTHER_RECORDS
        if not all((p.start is None or p.start <= self.now) and (p.end is None or self.now < p.end) for p in path):
            return Why.NOT_IN_FORCE
        return Permit(self.consent, min((p.end for p in path if p.end), default=None))

    def _deny(self, path: tuple[Provision, ...]) -> Why:
        """DENIED where it may be about this disclosure, and is in force. Notes are records of Part 2 too."""
        meant = {self.restriction.kind, PART2, CONFIDENTIAL}
        over = any(p.end is not None and p.end <= self.now for p in path)
        for p in path:
            if (
                (p.recipients is not None and self.recipient not in p.recipients)
                or (p.purposes is not None and not CARE & p.purposes)
                or (p.kinds is not None and not meant & p.kinds)
                or not p.discloses
                or over
            ):
                return Why.NO_CONSENT
        begins = max((p.start for p in path if p.start), default=self.now)
        if begins > self.now:
            self.ends.append(begins)
            return Why.NO_CONSENT
        return Why.DENIED


def _combined(directive: Directive, restriction: Restriction) -> bool:
    """Consent to disclose counseling notes must not be combined with another (42 CFR 2.31(b))."""
    return restriction.kind == COUNSELING_NOTES and any(
        permits and COUNSELING_NOTES not in kinds for permits, kinds in _permissions(directive.provision, frozenset())
    )


def _permissions(provision: Provision, inherited: frozenset[str]) -> Iterator[tuple[bool | None, frozenset[str]]]:
    kinds = inherited if provision.kinds is None else provision.kinds
    yield provision.permits, kinds
    for exception in provision.exceptions:
        yield from _permissions(exception, kinds)
