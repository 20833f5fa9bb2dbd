"""The headers that every push carries: who this is, which request, which attempt-proof key, and the signature."""

from __future__ import annotations

from datetime import datetime

from adapter.delivery.signature import HEADER, sign
from adapter.domain.partner import Channel
from adapter.use_cases.delivery_ports import Delivery

# A partner's own headers (an API key, say) may not replace these.
_RESERVED = frozenset({"host", "content-length", "transfer-encoding", "connection", HEADER.lower()})


def headers_for(delivery: Delivery, channel: Channel, body: bytes, now: datetime) -> dict[str, str]:
    """`X-Request-ID` and `Idempotency-Key` are the same in every attempt; only the signature's time changes."""
    own = {name: value for name, value in channel.headers.items() if name.lower() not in _RESERVED}
    key = str(delivery.request_id)
    headers = {
        "Content-Type": "application/fhir+json",
        "Accept": "application/fhir+json",
        "Accept-Encoding": "identity",
        "User-Agent": "handoff-adapter",
        **own,
        "X-Request-ID": key,
        "Idempotency-Key": key,
        "X-Correlation-ID": delivery.correlation_id or delivery.handoff,
    }
    if channel.secret:
        headers[HEADER] = sign(channel.secret, body, now)
    return headers
