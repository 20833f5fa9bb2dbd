"""Access tokens: short-lived JWTs that this server signs for itself (RFC 9068, HS256); nobody else reads them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from adapter.domain.errors import NotAuthenticated
from adapter.domain.scopes import Scopes

TYPE: Final = "at+jwt"
ALGORITHM: Final = "HS256"
AT: Final = "http.Authorization"
"""Where a token stands, for the expression of a refusal."""
_REMEMBERED: Final = 4096
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Access:
    """What a token says: whose it is, what it may do, until when (seconds since 1970, real time)."""

    tenant: str
    scopes: Scopes
    expires: int


class AccessTokens:
    """Issues and verifies. `audience` is the FHIR base; a token of another server with the same secret is refused."""

    def __init__(self, secret: bytes, audience: str):
        self._key = OctKey.import_key(secret)
        self._audience = audience
        # A client sends one token hundreds of times: its signature is checked once. Errors are not remembered, so
        # that a flood of bad tokens cannot push the good ones out.
        self._verified = lru_cache(_REMEMBERED)(self._verify)

    def issue(self, tenant: str, scopes: Scopes, now: int, lifetime: int) -> str:
        """A token of `tenant` that is good for `lifetime` seconds from `now`."""
        claims = {
            "iss": self._audience,
            "aud": self._audience,
            "sub": tenant,
            "scope": str(scopes),
            "iat": now,
            "exp": now + lifetime,
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode({"typ": TYPE, "alg": ALGORITHM}, claims, self._key)

    def verify(self, token: str, now: float) -> Access:
        """Raises NotAuthenticated: `unknown` when this server did not sign it, `expired` when its time is over."""
        access = self._verified(token)
        if now >= access.expires:
            text = "expected a token that is still good, got an expired one"
            raise NotAuthenticated(text, expression=AT, code="expired")
        return access

    def _verify(self, token: str) -> Access:
        if len(token) > _LONGEST:
            raise _unknown()
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            claims = decoded.claims
            if decoded.header.get("typ") != TYPE or claims["aud"] != self._audience or claims["iss"] != self._audience:
                raise _unknown()
            return Access(claims["sub"], Scopes.parse(claims["scope"]), int(claims["exp"]))
        except (JoseError, ValueError, TypeError, KeyError):
            raise _unknown() from None


def _unknown() -> NotAuthenticated:
    text = "expected a token of this server, got one that it did not sign"
    return NotAuthenticated(text, expression=AT, code="unknown")
