"""Everything outside a decision that a use case may ask, passed in whole: no globals, nothing to patch in a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NoReturn

from adapter.domain.deadlines import WorkingTime
from adapter.domain.errors import BusinessRule, Issue
from adapter.domain.partner import Partner
from adapter.domain.pathway import Pathway
from adapter.use_cases.ports import Clock, NewIds, Register, Store


def nowhere(endpoint: str) -> NoReturn:
    """No endpoint may be sent to: where nothing checks them, none is taken."""
    raise BusinessRule("expected an endpoint that may be sent to; here none may be", code="security")


@dataclass(frozen=True, slots=True)
class World:
    store: Store
    register: Register
    pathways: Mapping[str, Pathway]
    clock: Clock
    new_id: NewIds
    check: Callable[[dict[str, object]], list[Issue]]
    """Every issue of a resource, of the base specification and of the profiles that it claims."""
    refuse_invalid: Callable[[dict[str, object]], object]
    """The same as a refusal, Invalid or BusinessRule; what a patch made is checked with it."""
    base_url: str
    """Absolute base of the FHIR face without a trailing slash: references below it are our own."""
    holiday_calendar: Callable[[str | None], Callable[[date], bool]]
    """Partner.holidays → whether a date is a holiday there."""
    check_endpoint: Callable[[str], object] = nowhere
    """Raises BusinessRule for an address that nothing may be sent to."""

    def working_time(self, partner: Partner | None) -> WorkingTime:
        """When a partner works; around the week in UTC for one that is not registered."""
        if partner is None:
            return WorkingTime()
        return WorkingTime(
            partner.time_zone,
            partner.business_days,
            partner.business_hours,
            self.holiday_calendar(partner.holidays),
        )
