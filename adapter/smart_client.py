"""The client's side of SMART Backend Services: how a partner gets its access token. HTTP only; works with any server.

https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, import_key

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE: Final = 120
_TIMEOUT: Final = (3.0, 15.0)
_EARLY: Final = 30
"""Seconds before its end from which a token is renewed."""


class TokenRefused(Exception):
    """The server gave no token; the text is its own OAuth error."""


class NoSmartConfiguration(TokenRefused):
    """The server does not say where tokens are given: it needs none, or gives them in another way."""


def client_assertion(client_id: str, token_url: str, private_jwk: Mapping[str, Any], now: float | None = None) -> str:
    """A JWT for one use, signed with ES384 or RS384 as the key is. `now` in seconds since 1970 (default: real time)."""
    key = import_key(dict(private_jwk))
    issued = int(time.time() if now is None else now)
    header = {"typ": "JWT", "alg": "ES384" if isinstance(key, ECKey) else "RS384", "kid": private_jwk["kid"]}
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": token_url,
        "iat": issued,
        "exp": issued + ASSERTION_LIFE,
        "jti": secrets.token_urlsafe(24),
    }
    return jwt.encode(header, claims, key, algorithms=["ES384", "RS384"])


def obtain_token(base_url: str, partner_id: str, private_jwk: Mapping[str, Any], scope: str = "system/*.cruds") -> str:
    """An access token. `base_url` is a FHIR base, or this adapter's address without its `/fhir`.

    Raises TokenRefused, NoSmartConfiguration, or requests' errors."""
    token, _ = _obtain(base_url, partner_id, private_jwk, scope)
    return token


class TokenSource:
    """A partner's token, renewed before it ends. Safe to share between threads: `Bearer {source.token()}`."""

    def __init__(self, base_url: str, partner_id: str, private_jwk: Mapping[str, Any], scope: str = "system/*.cruds"):
        self._arguments = (base_url, partner_id, private_jwk, scope)
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def token(self) -> str:
        with self._lock:
            if time.monotonic() >= self._until:
                self._token, lifetime = _obtain(*self._arguments)
                self._until = time.monotonic() + max(lifetime - _EARLY, lifetime / 2)
            return self._token


def _obtain(base_url: str, partner_id: str, private_jwk: Mapping[str, Any], scope: str) -> tuple[str, float]:
    token_url = _token_url(base_url)
    answer = requests.post(
        token_url,
        data={
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(partner_id, token_url, private_jwk),
        },
        timeout=_TIMEOUT,
    )
    if answer.status_code != 200:
        raise TokenRefused(f"{token_url} answered {answer.status_code}: {answer.text[:500]}")
    body = answer.json()
    return body["access_token"], float(body.get("expires_in", 60))


def _token_url(base_url: str) -> str:
    """As the server's SMART configuration has it: the audience is the address by which the server knows itself."""
    base = base_url.rstrip("/")
    with_fhir = f"{base.removesuffix('/fhir')}/fhir"
    for fhir_url in dict.fromkeys((with_fhir, base)):
        discovered = requests.get(f"{fhir_url}/.well-known/smart-configuration", timeout=_TIMEOUT)
        if discovered.status_code in {401, 403, 404, 405, 406, 501}:
            continue
        discovered.raise_for_status()
        with contextlib.suppress(ValueError):
            configuration = discovered.json()
            if isinstance(configuration, dict) and isinstance(configuration.get("token_endpoint"), str):
                return str(configuration["token_endpoint"])
    raise NoSmartConfiguration(f"expected a SMART configuration with a token_endpoint below {base}, got none")
