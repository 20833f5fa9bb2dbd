"""Handshakes and heartbeats of created Subscriptions: what is sent about the Subscription and not about a handoff.

https://hl7.org/fhir/uv/subscriptions-backport/channels.html#rest-hook: a Subscription is active once its endpoint has
accepted a handshake, and in error when it has not; nothing else is sent before.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4, uuid5

from adapter.domain.errors import BusinessRule
from adapter.domain.subscription import Subscription
from adapter.use_cases.deliver import Courier
from adapter.use_cases.delivery_ports import Outcome
from adapter.use_cases.subscription_status import change_status
from mappings.json_codec import encode
from mappings.notification import Source, handshake, heartbeat

_HANDSHAKE: Final = UUID("8f0b8a52-6f8e-5d0c-8a8f-3a1a0f0a5c61")
_UNREGISTERED: Final = timedelta(hours=1)
"""A partner that is disabled is not talked to; so much later it is looked whether it is back."""


def tell_status(courier: Courier, id: str) -> None:
    """Send the handshake or the heartbeat that is due. Raises domain.errors.Unavailable when the database is down."""
    failures = courier.subscriptions.claim(id, courier.probe_lease)
    if failures is None or (subscription := courier.subscriptions.get(id)) is None:
        return
    if subscription.has_ended(courier.clock.now()):
        change_status(courier.store, courier.clock, subscription, "off")
        return
    owner = courier.register.directory().get(subscription.owner)
    if owner is None or not owner.active:
        courier.subscriptions.again(subscription, failures, _UNREGISTERED)
        return
    with courier.crowd.place(owner.id) as room:
        if not room:
            courier.subscriptions.again(subscription, failures, timedelta(seconds=1))
        elif subscription.status == "requested":
            _shake_hands(courier, subscription)
        elif subscription.status == "active" and subscription.heartbeat:
            _beat(courier, subscription, failures)


def end_what_has_ended(courier: Courier) -> int:
    """Turn off what its owner wanted to end by now; how many."""
    count = 0
    for id in courier.subscriptions.ended(courier.clock.now()):
        with suppress(BusinessRule):  # one that asks for what is not done any more; the others end all the same
            subscription = courier.subscriptions.get(id)
            count += subscription is not None and change_status(courier.store, courier.clock, subscription, "off")
    return count


def _shake_hands(courier: Courier, subscription: Subscription) -> None:
    # The same for every attempt at one version's handshake, on every worker.
    request_id = uuid5(_HANDSHAKE, f"{subscription.id}/{subscription.version}")
    told = courier.subscriptions.last_event(subscription.id)
    bundle = handshake(_source(courier, subscription), id=request_id, at=courier.clock.now(), events=told)
    outcome = courier.channels.call(subscription.channel, encode(bundle), request_id)
    if outcome.settled:
        change_status(courier.store, courier.clock, subscription, "active")
    else:
        error = f"the handshake failed: {outcome.detail}"
        change_status(courier.store, courier.clock, subscription, "error", error)


def _beat(courier: Courier, subscription: Subscription, failures: int) -> None:
    request_id, period = uuid4(), timedelta(seconds=subscription.heartbeat or 0)
    told = courier.subscriptions.last_event(subscription.id)
    bundle = heartbeat(_source(courier, subscription), id=request_id, at=courier.clock.now(), events=told)
    outcome: Outcome = courier.channels.call(subscription.channel, encode(bundle), request_id)
    if outcome.settled:
        courier.subscriptions.again(subscription, 0, period)
    elif failures + 1 >= courier.policy.refused_attempts:
        change_status(courier.store, courier.clock, subscription, "error", f"heartbeats failed: {outcome.detail}")
    else:
        wait = min(period, courier.policy.delay(failures + 1, outcome.retry_after))
        courier.subscriptions.again(subscription, failures + 1, wait)


def _source(courier: Courier, subscription: Subscription) -> Source:
    return Source(courier.base_url or "", subscription.id)
