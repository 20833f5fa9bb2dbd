"""So many requests a client may make: beyond them 429 with Retry-After, and nothing of the request is kept.

A client is the organisation of the access token; who shows none, or none that is good, is its network address. Each
server process counts for itself (docs/adr/0017). https://www.rfc-editor.org/rfc/rfc6585#section-4
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

from flask import request
from prometheus_client import Counter

from adapter.domain.errors import Throttled

MOST_KEPT: Final = 10_000
"""Clients or addresses that are remembered at the same time."""

_REFUSED: Final = Counter("handoff_throttled_requests", "Requests refused with 429, by what was counted", ["counted"])


class Buckets:
    """A bucket of `burst` requests for each key, filled again at `rate` a second (the generic cell rate algorithm: of
    each key only the moment is kept at which its bucket will be full). Thread-safe."""

    def __init__(self, rate: float, burst: int, seconds: Callable[[], float] = time.monotonic):
        self._between = 1.0 / rate
        self._whole = burst / rate
        self._seconds = seconds
        self._full_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> float:
        """Take one request out of the bucket: 0, or the seconds until there is one again."""
        with self._lock:
            now = self._seconds()
            full_at = max(self._full_at.get(key, now), now) + self._between
            # A billionth of a second: what sums up to the whole in decimals may be a little more in binary.
            if (wait := full_at - now - self._whole) > 1e-9:
                return wait
            self._full_at[key] = full_at
            if len(self._full_at) > MOST_KEPT:
                self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """A full bucket is like one that never was; if all are in use, those go that will be full first."""
        emptied = sorted(((at, key) for key, at in self._full_at.items() if at > now), reverse=True)
        self._full_at = {key: at for at, key in emptied[: MOST_KEPT // 2]}


class RateLimits:
    """`clients` by organisation, `addresses` by network address; None is no limit."""

    def __init__(self, clients: Buckets | None, addresses: Buckets | None):
        self._clients = clients
        self._addresses = addresses

    def of_client(self, tenant: str) -> None:
        """Raises Throttled."""
        if self._clients is not None and (wait := self._clients.take(tenant)):
            raise _throttled("client", wait)

    def of_address(self) -> None:
        """Counts the address of the request at hand. Raises Throttled."""
        if self._addresses is not None and (wait := self._addresses.take(_network(request.remote_addr or ""))):
            raise _throttled("address", wait)


def _throttled(counted: str, wait: float) -> Throttled:
    _REFUSED.labels(counted).inc()
    seconds = max(1, ceil(wait))
    text = f"expected fewer requests from this {counted}, got too many; nothing was kept, send it again in {seconds} s"
    return Throttled(text, retry_after=seconds)


def _network(address: str) -> str:
    """An IPv6 network of 64 bits counts as one address: that many are given to every host."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None else address


NO_LIMITS: Final = RateLimits(None, None)
