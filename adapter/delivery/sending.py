"""The headers that every push carries: who this is, which request, which attempt-proof key, and the signature."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from adapter.delivery.signature import HEADER, sign
from adapter.domain.partner import Channel
from adapter.use_cases.delivery_ports import Delivery

# A partner's own headers (an API key, say) may not replace these.
_RESERVED = frozenset({"host", "content-length", "transfer-encoding", "connection", HEADER.lower()})


def headers_for(delivery: Delivery, channel: Channel, body: bytes, now: datetime) -> dict[str, str]:
    """`X-Request-ID` and `Idempotency-Key` are the same in every attempt; only the signature's time changes."""
    correlation = delivery.correlation_id or delivery.handoff
    return {**headers_of(delivery.request_id, channel, body, now), "X-Correlation-ID": correlation}


def headers_of(request_id: UUID, channel: Channel, body: bytes, now: datetime) -> dict[str, str]:
    own = {name: value for name, value in channel.headers.items() if name.lower() not in _RESERVED}
    given = {name.lower() for name in own}
    ours = {
        "Content-Type": "application/fhir+json",
        "Accept": "application/fhir+json",
        "Accept-Encoding": "identity",
        "User-Agent": "handoff-adapter",
    }
    key = str(request_id)
    headers = {
        **{name: value for name, value in ours.items() if name.lower() not in given},
        **own,
        "X-Request-ID": key,
        "Idempotency-Key": key,
    }
    if channel.secret:
        headers[HEADER] = sign(channel.secret, body, now)
    return headers
