"""The public keys of a partner: those in the register, or those that it publishes at its jwks_url.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#registering-a-client-communicating-public-keys
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key
from marshmallow import ValidationError

from adapter.delivery.outbound import Outbound
from adapter.domain.errors import HandoffError
from adapter.domain.partner import Partner
from adapter.partners.schema import public_keys
from mappings.json_codec import decode

PublicKey = ECKey | RSAKey
Jwks = Mapping[str, Any]

KEPT_SECONDS: Final = 300.0
REFETCH_SECONDS: Final = 15.0
"""A kid that is not there makes us look again (a rotated key), though not more often than this."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    keys: Jwks
    at: float


class ClientKeys:
    """Finds the key of a partner by its kid. `elapsed` is a monotonic clock in seconds."""

    def __init__(self, outbound: Outbound, elapsed: Callable[[], float] = time.monotonic):
        self._outbound = outbound
        self._elapsed = elapsed
        self._fetched: dict[str, _Fetched] = {}
        self._fetching: dict[str, threading.Lock] = {}

    def find(self, partner: Partner, kid: str) -> PublicKey | None:
        """The key, or None when the partner has no such key (or its key address does not answer as it must)."""
        if partner.jwks_url is None:
            return _with_kid(partner.jwks or {}, kid)
        found = self._published(partner.jwks_url, KEPT_SECONDS)
        return _with_kid(found, kid) or _with_kid(self._published(partner.jwks_url, REFETCH_SECONDS), kid)

    def _published(self, url: str, at_most_old: float) -> Jwks:
        with self._fetching.setdefault(url, threading.Lock()):
            known = self._fetched.get(url)
            if known is None or self._elapsed() - known.at >= at_most_old:
                # What cannot be fetched counts as no key: a revoked key must not live on because its list is down.
                known = self._fetched[url] = _Fetched(self._fetch(url), self._elapsed())
            return known.keys

    def _fetch(self, url: str) -> Jwks:
        try:
            reply = self._outbound.get(url, {"Accept": "application/json", "Accept-Encoding": "identity"})
            keys = decode(reply.body) if reply.status == 200 else None
            if isinstance(keys, dict):
                public_keys(keys)
                return keys
        except (HandoffError, requests.RequestException, ValidationError):
            pass
        return {}


def _with_kid(jwks: Jwks, kid: str) -> PublicKey | None:
    for key in jwks.get("keys", ()):
        if key.get("kid") == kid:
            try:
                imported = import_key(key)
            except (JoseError, ValueError):
                return None
            return imported if isinstance(imported, ECKey | RSAKey) else None
    return None
