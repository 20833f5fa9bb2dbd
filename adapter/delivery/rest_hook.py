"""Channel `rest-hook`: POST a notification Bundle to the subscriber's endpoint.

https://hl7.org/fhir/uv/subscriptions-backport/channels.html#rest-hook: any 2xx is success.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from adapter.delivery.outbound import Outbound
from adapter.delivery.reply import outcome_of
from adapter.delivery.sending import headers_for, headers_of
from adapter.domain.partner import Channel
from adapter.use_cases.delivery_ports import Delivery, Outcome
from mappings.json_codec import decode, encode
from mappings.notification import Content, Event, Shown, Source, event_notification
from mappings.security_labels import labelled_meta, restricted_kinds_of


def compose(delivery: Delivery, base_url: str) -> bytes:
    """The same bytes in every attempt, as long as the resource shown is the same."""
    task = f"Task/{delivery.handoff}"
    focus = str(delivery.focus)
    tree = event_notification(
        Source(base_url, delivery.subscription or delivery.subscriber),
        Event(delivery.event_number, delivery.created_at, focus, context=() if focus == task else (task,)),
        id=delivery.request_id,
        content=cast(Content, delivery.content),
        shown=[Shown(str(stored.key), stored.version, decode(stored.body)) for stored in delivery.shown],
    )
    tree["meta"] = labelled_meta(tree["meta"], restricted_kinds_of(delivery.shown))
    return encode(tree)


def send(delivery: Delivery, channel: Channel, outbound: Outbound, base_url: str, now: datetime) -> Outcome:
    body = compose(delivery, base_url)
    headers = headers_for(delivery, channel, body, now)
    return outcome_of(outbound.post(channel.endpoint, body, headers, channel.seconds), now)


def call(body: bytes, request_id: UUID, channel: Channel, outbound: Outbound, now: datetime) -> Outcome:
    """Send what is about the Subscription itself."""
    headers = headers_of(request_id, channel, body, now)
    return outcome_of(outbound.post(channel.endpoint, body, headers, channel.seconds), now)
