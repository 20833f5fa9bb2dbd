"""Channel `null`: for partners that ask instead of being told. The handoff is there to be read and searched."""

from __future__ import annotations

from datetime import datetime

from adapter.delivery.outbound import Outbound
from adapter.domain.partner import Channel
from adapter.use_cases.delivery_ports import Delivery, Outcome, Result


def send(delivery: Delivery, channel: Channel, outbound: Outbound, base_url: str, now: datetime) -> Outcome:
    return Outcome(Result.AVAILABLE, "no channel: waiting to be read")
