"""Who is asking: a Bearer token → the organisation (tenant) and what it may do. Nothing in a body ever says who asks.

https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html#obtain-access-token; the errors are 401 `login`
(no token), `expired`, `unknown` (not ours, or of a partner that is disabled), and 403 `forbidden` (scope).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from adapter.api.access_token import AT, AccessTokens
from adapter.api.rate_limit import NO_LIMITS, RateLimits
from adapter.domain.errors import NotAuthenticated
from adapter.domain.scopes import Scopes
from adapter.use_cases.ports import Clock, Register


@dataclass(frozen=True, slots=True)
class Client:
    """The authenticated caller. `tenant` is a partner id; `scopes.require(type, interaction)` raises NotAllowed."""

    tenant: str
    scopes: Scopes


class Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


class Authentication:
    """Call with the request's headers. `clock` is the real one: a demo's clock that runs ahead expires no token.
    `limits` counts the requests of each client, and those of an address whose tokens are not good."""

    def __init__(self, tokens: AccessTokens, register: Register, clock: Clock, limits: RateLimits = NO_LIMITS):
        self._tokens = tokens
        self._register = register
        self._clock = clock
        self._limits = limits

    def __call__(self, headers: Headers) -> Client:
        """Raises NotAuthenticated or Throttled. `headers` is looked up by `Authorization`, as flask.Request.headers."""
        try:
            client = self._authenticated(headers)
        except NotAuthenticated:
            if headers.get("Authorization"):  # who shows no token has been counted by its address already
                self._limits.of_address()
            raise
        self._limits.of_client(client.tenant)
        return client

    def _authenticated(self, headers: Headers) -> Client:
        given = headers.get("Authorization")
        if not given:
            raise NotAuthenticated("expected an Authorization header with a Bearer token, got none", expression=AT)
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token:
            text = "expected an Authorization header `Bearer <token>`, got another scheme"
            raise NotAuthenticated(text, expression=AT)
        access = self._tokens.verify(token, self._clock.now().timestamp())
        partner = self._register.directory().get(access.tenant)
        if partner is None or not partner.active:
            text = "expected a token of an active partner, got one of another"
            raise NotAuthenticated(text, expression=AT, code="unknown")
        return Client(access.tenant, access.scopes)
