"""A partner: an organisation that sends or receives handoffs, as the register knows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any, NamedTuple


class Identifier(NamedTuple):
    """A business identifier (https://hl7.org/fhir/R4/datatypes.html#Identifier); `system` is '' when absent."""

    system: str
    value: str


class Telecom(NamedTuple):
    """How to reach an organisation: `system` is a ContactPoint system (`phone`, `email`, `fax`, `url`, …)."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell a partner something. `type` is a key of `adapter.delivery.CHANNELS` (`rest-hook`, `message`, …);
    `payload` is `empty`, `id-only` or `full-resource` (R4 Subscriptions backport)."""

    type: str
    endpoint: str
    payload: str = "id-only"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each delivery; may hold a secret, and so is never shown, logged or published."""
    secret: str | None = field(default=None, repr=False)
    """Shared with the partner to sign what is sent to it."""
    seconds: float | None = None
    """The longest that a send may last, where that is shorter than ours."""


@dataclass(frozen=True, slots=True)
class Partner:
    """`id` is the Organization id and the tenant. `endpoints` are the addresses by which messages name it
    (MessageHeader.destination.endpoint), beside its identifiers written `system|value`."""

    id: str
    name: str
    identifiers: tuple[Identifier, ...] = ()
    telecom: tuple[Telecom, ...] = ()
    endpoints: tuple[str, ...] = ()
    dialect: str = "base"
    channels: tuple[Channel, ...] = ()
    jwks: Mapping[str, Any] | None = None
    jwks_url: str | None = None
    scopes: tuple[str, ...] = ("system/*.cruds",)
    time_zone: str = "UTC"
    business_days: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Days on which the organisation works, Monday is 0."""
    business_hours: tuple[time, time] = (time(9), time(17))
    holidays: str | None = None
    """Country or country-subdivision of the holiday calendar, as `US` or `US-CA`; None for no holidays."""
    alternate_contacts: tuple[str, ...] = ()
    """Partner ids told when this recipient does not answer and the request names no alternate contact."""
    escalation_owner: str | None = None
    """Partner id that takes an escalation when the request names none; None = the initiator itself."""
    services: tuple[Mapping[str, Any], ...] = ()
    """What it offers, as in the partner file: id, name, type, accepted_coverage, capacity, accepting, hours."""
    active: bool = True


class Directory:
    """Partners by id, identifier and endpoint. A snapshot: build a new one when the register changed."""

    def __init__(self, partners: Sequence[Partner]):
        self._by_id = {partner.id: partner for partner in partners}
        self._by_identifier = {i: partner for partner in partners for i in partner.identifiers}
        self._by_endpoint = {endpoint.rstrip("/"): partner for partner in partners for endpoint in partner.endpoints}

    def __iter__(self) -> Iterator[Partner]:
        return iter(self._by_id.values())

    def get(self, partner_id: str) -> Partner | None:
        return self._by_id.get(partner_id)

    def by_identifier(self, system: str, value: str) -> Partner | None:
        return self._by_identifier.get(Identifier(system, value))

    def by_endpoint(self, endpoint: str) -> Partner | None:
        """By a registered address, with or without a slash at its end, or by `system|value` of an identifier (NHS BaRS
        writes service ids like that)."""
        found = self._by_endpoint.get(endpoint.rstrip("/"))
        if found is None and "|" in endpoint:
            system, _, value = endpoint.rpartition("|")
            found = self.by_identifier(system, value)
        return found
