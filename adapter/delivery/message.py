"""Channel `message`: push a FHIR message to the partner's `$process-message`.

https://hl7.org/fhir/R4/messaging.html and, for the two request headers and the answer 409 `duplicate`, NHS BaRS. A
message that a use case wrote for the partner's dialect goes out byte for byte; without one the news is the message.
"""

from __future__ import annotations

from datetime import datetime

from adapter.delivery.outbound import Outbound
from adapter.delivery.reply import outcome_of, response_code_of
from adapter.delivery.sending import headers_for
from adapter.domain.partner import Channel
from adapter.use_cases.delivery_ports import Delivery, Outcome, Result
from mappings.json_codec import decode, encode
from mappings.notification import EVENT_SYSTEM, Shown, Source, message
from mappings.security_labels import labelled_meta, restricted_kinds_of

_OPERATION = "/$process-message"


def endpoint_of(channel: Channel) -> str:
    """The register may hold the base of the partner's server or the address of the operation itself."""
    endpoint = channel.endpoint.rstrip("/")
    return endpoint if endpoint.endswith(_OPERATION) else endpoint + _OPERATION


def compose(delivery: Delivery, channel: Channel, base_url: str) -> bytes:
    if delivery.payload is not None:
        return delivery.payload
    tree = message(
        Source(base_url, delivery.subscriber),
        id=delivery.message_id or delivery.request_id,
        event=delivery.message_event or (EVENT_SYSTEM, delivery.event.replace(":", "-")),
        focus=delivery.message_focus or [str(delivery.focus)],
        shown=[Shown(str(stored.key), stored.version, decode(stored.body)) for stored in delivery.shown],
        destination=channel.endpoint,
        answers=delivery.answers,
    )
    if kinds := restricted_kinds_of(delivery.shown):
        tree["meta"] = labelled_meta(None, kinds)
    return encode(tree)


def send(delivery: Delivery, channel: Channel, outbound: Outbound, base_url: str, now: datetime) -> Outcome:
    body = compose(delivery, channel, base_url)
    reply = outbound.post(endpoint_of(channel), body, headers_for(delivery, channel, body, now))
    outcome = outcome_of(reply, now)
    if outcome.result is Result.DELIVERED and reply.body:
        # Messaging answers 200 also for "no": what counts is the response code inside.
        match response_code_of(reply):
            case "transient-error":
                return Outcome(Result.UNREACHABLE, "message answered transient-error")
            case "fatal-error":
                return Outcome(Result.REFUSED, "message answered fatal-error")
    return outcome
