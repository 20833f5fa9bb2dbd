"""Who can take this person, with this coverage, this soon: a question to the register, answered from opening hours.

Coverage never blocks a handoff; it decides where to. When nobody can see the person in time, the answer says so, and
the sender records what the person was given instead (fact `immediate-resource`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from adapter.domain.deadlines import WorkingTime
from adapter.domain.partner import Partner
from adapter.use_cases.ports import ResourceKey, StoredResource
from adapter.use_cases.world import World

ACCEPTED_BY: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "insured": frozenset({"insured"}),
        "medicaid": frozenset({"medicaid"}),
        "uninsured": frozenset({"uninsured", "sliding-scale"}),
        "sliding-scale": frozenset({"sliding-scale"}),
        # Nobody is sent away because nobody knows: whoever sees people without insurance sees everybody.
        "unknown": frozenset({"uninsured", "sliding-scale"}),
    }
)
"""Coverage of a person → what a service must accept, one of these."""
LONGEST: Final = timedelta(days=92)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`coverage` is a key of ACCEPTED_BY, `kind` a part of the name or type of a service in any letter case; None for
    any. `within` counts from now."""

    coverage: str | None = None
    kind: str | None = None
    within: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Destination:
    """A published HealthcareService that takes new people, and when it is open next (UTC)."""

    service: StoredResource
    organization: StoredResource
    opens: datetime


def find_destinations(world: World, tenant: str, wanted: Wanted) -> Sequence[Destination]:
    """Services of other partners that fit, soonest first; those open at the same time by their free places."""
    now = world.clock.now()
    found: list[tuple[datetime, float, ResourceKey, ResourceKey]] = []
    for partner in world.register.directory():
        if not partner.active or partner.id == tenant:
            continue
        hours = world.working_time(partner)
        for service in partner.services:
            opens = _opens(service, hours, now, now + wanted.within) if _fits(service, wanted) else None
            if opens is not None:
                places = float(service.get("capacity", 0))
                found.append((opens, -places, _service_key(partner, service), ResourceKey("Organization", partner.id)))
    keys = [key for _, _, *both in sorted(found) for key in both]
    stored = world.store.reader(tenant).read_many(keys)
    return [
        Destination(stored[service], stored[organization], opens)
        for opens, _, service, organization in sorted(found)
        if service in stored and organization in stored
    ]


def _service_key(partner: Partner, service: Mapping[str, Any]) -> ResourceKey:
    return ResourceKey("HealthcareService", f"{partner.id}.{service['id']}")


def _fits(service: Mapping[str, Any], wanted: Wanted) -> bool:
    if not service.get("accepting", True) or service.get("capacity") == 0:
        return False
    if wanted.coverage is not None and not ACCEPTED_BY[wanted.coverage] & set(service.get("accepted_coverage", ())):
        return False
    said = f"{service['name']} {service.get('type', '')}".lower()
    return wanted.kind is None or wanted.kind.lower() in said


def _opens(service: Mapping[str, Any], hours: WorkingTime, now: datetime, until: datetime) -> datetime | None:
    """The first moment from now on at which the service is open, None when that is later than `until`."""
    zone = ZoneInfo(hours.zone)
    day, last = now.astimezone(zone).date(), until.astimezone(zone).date()
    while day <= last:
        if not hours.is_holiday(day):
            for opening, closing in _sessions(service, hours, day.weekday()):
                begins = datetime.combine(day, opening, tzinfo=zone).astimezone(UTC)
                ends = datetime.combine(day, closing, tzinfo=zone).astimezone(UTC)
                if now < ends and begins <= until:
                    return max(now, begins)
        day += timedelta(days=1)
    return None


def _sessions(service: Mapping[str, Any], hours: WorkingTime, weekday: int) -> Iterator[tuple[time, time]]:
    """Opening and close of a weekday, in order; without hours of its own a service is open when its organisation is."""
    if "hours" not in service:
        if weekday in hours.business_days:
            yield hours.business_hours
        return
    yield from sorted(
        (time.fromisoformat(session["from"]), time.fromisoformat(session["to"]))
        for session in service["hours"]
        if _DAYS[weekday] in session["days"]
    )
