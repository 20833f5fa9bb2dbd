"""Access tokens: short-lived JWTs that this server signs for itself (RFC 9068, HS256); nobody else reads them."""

from __future__ import annotations

import json
import logging
import secrets
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OctKey

from adapter.domain.errors import NotAuthenticated
from adapter.domain.scopes import Scopes

TYPE: Final = "at+jwt"
ALGORITHM: Final = "HS256"
AT: Final = "http.Authorization"
"""Where a token stands, for the expression of a refusal."""
_REMEMBERED: Final = 4096
_LONGEST: Final = 4096

_log = logging.getLogger(__name__)


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
        self._warned: set[str] = set()

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
            if decoded.header.get("typ") != TYPE:
                raise _unknown()
            if claims["aud"] != self._audience or claims["iss"] != self._audience:
                self._warn(f"signed with our secret for `{claims['aud']}`: HANDOFF_BASE_URL differs between hosts")
                raise _unknown()
            return Access(claims["sub"], Scopes.parse(claims["scope"]), int(claims["exp"]))
        except BadSignatureError:
            if _audience_of(token) == self._audience:
                self._warn("signed with another secret: HANDOFF_SECRET differs between hosts, or somebody tries tokens")
            raise _unknown() from None
        except (JoseError, ValueError, TypeError, KeyError):
            raise _unknown() from None

    def _warn(self, text: str) -> None:
        """Once in each process: partners see a 401 now and then, and only who runs the hosts can know why."""
        if text not in self._warned and len(self._warned) < 10:
            self._warned.add(text)
            _log.warning("a token for this server was refused that is %s", text)


def _audience_of(token: str) -> object:
    """What a token that nobody has vouched for says of itself."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        return None
    return claims.get("aud") if isinstance(claims, dict) else None


def _unknown() -> NotAuthenticated:
    text = "expected a token of this server, got one that it did not sign"
    return NotAuthenticated(text, expression=AT, code="unknown")
