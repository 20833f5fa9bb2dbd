"""Who hands whom over to whom, and in which visit, for each pathway: the circumstances of generated handoffs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from adapter.testkit import people


@dataclass(frozen=True, slots=True)
class Circumstances:
    """`requester` and `owner` are demo partners; `visit_ends` are minutes from the time of the request (a later end is
    a planned one); `visit_class` is a v3 ActCode; `crisis` pathways carry risk level and safety plan."""

    requester: str
    owner: str
    sender: str
    """The title of who hands over; `recipient` and `clinician` those of who takes the call and who takes the person."""
    recipient: str
    clinician: str
    method: str
    reasons: tuple[str, ...]
    visit_class: str = "AMB"
    visit_ends: int = 20
    crisis: bool = False
    perinatal: bool = True


_OB: Final = Circumstances(
    requester="ob-clinic",
    owner="perinatal-clinic",
    sender="Obstetrician",
    recipient="Intake coordinator",
    clinician="Perinatal therapist",
    method="phone",
    reasons=people.PERINATAL_REASONS,
)
_CRISIS: Final = Circumstances(
    requester="mobile-crisis",
    owner="outpatient-clinic",
    sender="Crisis clinician",
    recipient="Access lead",
    clinician="Outpatient therapist",
    method="phone",
    reasons=people.TRIGGERS,
    visit_class="FLD",
    visit_ends=0,
    crisis=True,
    perinatal=False,
)


def _like(base: Circumstances, **changes: object) -> Circumstances:
    return replace(base, **changes)  # type: ignore[arg-type]  # keys are fields of the class


CIRCUMSTANCES: Final[Mapping[str, Circumstances]] = MappingProxyType(
    {
        "referral": _CRISIS,
        "mobile-crisis-to-outpatient": _CRISIS,
        "stabilization-discharge": _like(
            _CRISIS, requester="crisis-stabilization", sender="Discharge clinician", visit_class="IMP", visit_ends=360
        ),
        "case-management-reengagement": _like(
            _CRISIS, owner="case-management", recipient="Case manager", clinician="Case manager", crisis=False
        ),
        "perinatal-minimum": _OB,
        "perinatal-in-room-call": _like(_OB, method="in-room-call"),
        "perinatal-digital": _like(_OB, method="digital-form"),
        "perinatal-ob-visit": _like(_OB, method="digital-form"),
        "perinatal-pediatric-visit": _like(
            _OB, requester="pediatric-clinic", sender="Pediatrician", method="portal-link"
        ),
        "maternity-hospital-discharge": _like(
            _OB, requester="maternity-hospital", sender="Social worker", visit_class="IMP", visit_ends=1200
        ),
        "iop-discharge": _like(_OB, requester="iop-program", sender="IOP therapist", visit_ends=2 * 1440),
    }
)
