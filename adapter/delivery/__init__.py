"""Telling partners: one file per channel and this table. A new channel is one file and one line.

The keys are the R4 Subscription channel types, and our own `message` and `null`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from adapter.delivery import message, null, rest_hook
from adapter.delivery.outbound import Outbound
from adapter.delivery.reply import outcome_of_error
from adapter.domain.partner import Channel
from adapter.use_cases.delivery_ports import Delivery, Outcome, Result
from adapter.use_cases.ports import Clock

Send = Callable[[Delivery, Channel, Outbound, str, datetime], Outcome]

CHANNELS: Final[Mapping[str, Send]] = {
    "rest-hook": rest_hook.send,
    "message": message.send,
    "null": null.send,
}

_NULL = Channel(type="null", endpoint="")


class ChannelSender:
    """Implements `use_cases.delivery_ports.Channels`. `base_url` is the FHIR base under which partners reach us."""

    def __init__(self, outbound: Outbound, base_url: str, clock: Clock):
        self._outbound = outbound
        self._base_url = base_url.rstrip("/")
        self._clock = clock

    def send(self, channel: Channel | None, delivery: Delivery) -> Outcome:
        """Tell it once. Whatever goes wrong becomes an Outcome, so that nothing but the lane decides what is next."""
        channel = channel or _NULL
        send = CHANNELS.get(channel.type)
        if send is None:
            return Outcome(Result.REFUSED, f"no channel of type {channel.type}")
        try:
            return send(delivery, channel, self._outbound, self._base_url, self._clock.now())
        except Exception as error:
            return outcome_of_error(error)

    def call(self, channel: Channel, body: bytes, request_id: UUID) -> Outcome:
        try:
            return rest_hook.call(body, request_id, channel, self._outbound, self._clock.now())
        except Exception as error:
            return outcome_of_error(error)
