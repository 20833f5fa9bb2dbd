"""What of a handoff is restricted by 42 CFR Part 2, and to whom the person's Consent opens it, until when.

https://www.ecfr.gov/current/title-42/part-2. A restriction says whose record it is and which organisation discloses it;
a permit says that one Consent opens that restriction for one recipient. Everything that belongs to a handoff with a
restricted resource is restricted with it: that a clinic for substance use disorders hands somebody over says it all.
Counseling notes are restricted once more, resource by resource (42 CFR 2.31(b)).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

PART2: Final = "part2"
COUNSELING_NOTES: Final = "counseling-notes"
NOTICE: Final = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The statement of 42 CFR 2.32(a)(2), which accompanies each disclosure made with the person's consent."""
EXPIRY: Final = "consent-expiry"
"""The step of a handoff's clock at which a Consent ends that somebody reads it by."""


class Restriction(NamedTuple):
    """Records of `patient` (`Patient/id`; "" where none is named) that `author`, a partner id, may disclose to nobody
    without consent. `kind` is PART2 or COUNSELING_NOTES."""

    kind: str
    patient: str
    author: str


class Permit(NamedTuple):
    """`consent` (`Consent/id`) opens a restriction until `until`, None for as long as it is active."""

    consent: str
    until: datetime | None


class Basis(NamedTuple):
    """By which Consents an organisation reads, and until when; no Consent where it needs none."""

    consents: tuple[str, ...] = ()
    until: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        return self.until is None or now < self.until


Permits = Mapping[tuple[Restriction, str], Permit]
"""(restriction, recipient) → what opens the one for the other."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The restrictions of a handoff, all that it ever had, and the permits that stand."""

    restrictions: frozenset[Restriction] = frozenset()
    permits: Permits = field(default_factory=dict)

    def lacking(self, recipient: str) -> frozenset[Restriction]:
        """The restrictions that no Consent opens for `recipient`."""
        return frozenset(r for r in self.restrictions if r.author != recipient and (r, recipient) not in self.permits)

    @property
    def general(self) -> frozenset[Restriction]:
        """Those that hold for everything that belongs to the handoff."""
        return frozenset(r for r in self.restrictions if r.kind == PART2)

    def basis(self, recipient: str, restrictions: Iterable[Restriction]) -> Basis | None:
        """What lets `recipient` read what is restricted so; None when nothing does."""
        permits: list[Permit] = []
        for restriction in restrictions:
            if restriction.author != recipient:
                if (permit := self.permits.get((restriction, recipient))) is None:
                    return None
                permits.append(permit)
        ends = [permit.until for permit in permits if permit.until is not None]
        return Basis(tuple(sorted({permit.consent for permit in permits})), min(ends, default=None))

    def changed(self, change: DisclosureChange) -> Disclosure:
        """After `change`, also when it was decided on before this came to stand."""
        kept = {key: permit for key, permit in self.permits.items() if permit.consent not in change.revised}
        return Disclosure(self.restrictions | change.restrictions, {**kept, **change.permits})


@dataclass(frozen=True, slots=True)
class DisclosureChange:
    """What a decision adds to the disclosure of a handoff: restrictions, which never go away, and permits. A permit by
    one of the `revised` Consents ends, unless it is given anew."""

    handoff: str
    restrictions: frozenset[Restriction] = frozenset()
    permits: Permits = field(default_factory=dict)
    revised: frozenset[str] = frozenset()


def outlasting(one: Basis, other: Basis) -> Basis:
    """Of two bases the one that lasts longer; one that needs no Consent does not end with any."""
    if not one.consents or not other.consents:
        return one if not one.consents else other
    if one.until is None or other.until is None:
        return one if one.until is None else other
    return one if one.until >= other.until else other
