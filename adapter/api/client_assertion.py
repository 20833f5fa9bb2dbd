"""Client authentication by a signed JWT (private_key_jwt), as SMART asks for it.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#authenticating-to-the-token-endpoint
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from adapter.api.client_keys import ClientKeys
from adapter.domain.errors import HandoffError, NotAuthenticated
from adapter.domain.partner import Partner
from adapter.use_cases.ports import Clock, Register
from mappings.json_codec import decode

ALGORITHMS: Final = ("ES384", "RS384")
LONGEST_LIFE: Final = 300
"""Seconds: "this time SHALL be no more than five minutes in the future"."""
CLOCK_SKEW: Final = 15
"""Seconds by which two honest clocks may differ."""
_LONGEST: Final = 8192
_LONGEST_JTI: Final = 255


class UsedAssertions(Protocol):
    """Remembers every assertion until it has expired, for all processes of the server."""

    def use_once(self, issuer: str, jti: str, expires_at: datetime) -> bool:
        """True for the first use of (`issuer`, `jti`), False for every later one, whoever asks at the same time."""
        ...


class ClientAssertions:
    """Verifies assertions whose audience is `token_url`. `clock` is the real one."""

    def __init__(self, token_url: str, register: Register, keys: ClientKeys, used: UsedAssertions, clock: Clock):
        self._token_url = token_url
        self._register = register
        self._keys = keys
        self._used = used
        self._clock = clock

    def verify(self, assertion: str) -> Partner:
        """The partner that signed it. Raises NotAuthenticated; says nothing about why before a signature is proven,
        so that nobody can ask whether a partner or a key exists."""
        header, unproven = _unverified(assertion)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise _refused(f"alg {' or '.join(ALGORITHMS)}, got another")
        if not isinstance(kid, str) or not kid:
            raise _refused("a kid in the header, got none")
        issuer = unproven.get("iss")
        partner = self._register.directory().get(issuer) if isinstance(issuer, str) else None
        claims = self._claims(assertion, partner, str(algorithm), kid, header.get("jku"))
        if partner is None or claims is None:
            raise _refused("a signature by a registered key of an active client, got none")
        self._check(claims)
        expires_at = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=CLOCK_SKEW)
        if not self._used.use_once(partner.id, claims["jti"], expires_at):
            raise _refused("a jti that was not used before, got a used one")
        return partner

    def _claims(
        self, assertion: str, partner: Partner | None, algorithm: str, kid: str, jku: object
    ) -> dict[str, Any] | None:
        if partner is None or not partner.active:
            return None
        # A jku is never followed: "the server SHALL" compare it with what was registered.
        if jku is not None and jku != partner.jwks_url:
            return None
        key = self._keys.find(partner, kid)
        if key is None or (algorithm == "ES384") is not isinstance(key, ECKey):
            return None
        try:
            return jwt.decode(assertion, key, algorithms=[algorithm]).claims
        except (JoseError, ValueError):
            return None

    def _check(self, claims: dict[str, Any]) -> None:
        now = self._clock.now().timestamp()
        checks: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("sub equal to iss, got another", lambda: claims.get("sub") == claims["iss"]),
            (
                f"aud `{self._token_url}`, got another",
                lambda: claims.get("aud") in (self._token_url, [self._token_url]),
            ),
            ("exp in seconds since 1970, got none", lambda: _is_time(claims.get("exp"))),
            ("exp in the future, got a past time", lambda: now - CLOCK_SKEW < claims["exp"]),
            (
                f"exp within {LONGEST_LIFE} seconds, got a later time",
                lambda: claims["exp"] <= now + LONGEST_LIFE + CLOCK_SKEW,
            ),
            ("nbf not in the future, got a future time", lambda: _not_after(claims.get("nbf"), now)),
            ("iat not in the future, got a future time", lambda: _not_after(claims.get("iat"), now)),
            ("a jti of 1 to 255 characters, got none", lambda: _is_jti(claims.get("jti"))),
        )
        for expected, holds in checks:
            if not holds():
                raise _refused(expected)


def _unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, to know whose key to look for; nothing else may be believed of them."""
    parts = assertion.split(".")
    if len(parts) != 3 or len(assertion) > _LONGEST:
        raise _refused("a signed JWT of three parts, got something else")
    try:
        header, claims = (decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (binascii.Error, ValueError, HandoffError):
        raise _refused("a signed JWT of three parts, got something else") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _refused("a signed JWT of three parts, got something else")
    return header, claims


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11


def _not_after(value: object, now: float) -> bool:
    return value is None or (_is_time(value) and float(value) <= now + CLOCK_SKEW)  # type: ignore[arg-type]


def _is_jti(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_JTI and value.isprintable()


def _refused(expected: str) -> NotAuthenticated:
    return NotAuthenticated(f"expected a client assertion with {expected}")
