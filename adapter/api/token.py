"""POST /oauth/token and GET /fhir/.well-known/smart-configuration: SMART Backend Services.

https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html; errors as in RFC 6749, section 5.2.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from adapter.api.access_token import AccessTokens
from adapter.api.client_assertion import ALGORITHMS, ClientAssertions
from adapter.api.http_request import form
from adapter.domain.errors import NotAuthenticated, Unavailable
from adapter.domain.partner import Partner
from adapter.domain.scopes import Scopes
from adapter.use_cases.ports import Clock

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PARAMETERS: Final = ("grant_type", "client_assertion_type", "client_assertion")


class _Refusal(Exception):
    """An OAuth error: its code and a text of printable ASCII without quotes."""

    def __init__(self, error: str, description: str):
        self.error = error
        self.description = description
        super().__init__(error)


def token_blueprint(
    tokens: AccessTokens, assertions: ClientAssertions, clock: Clock, *, token_url: str, lifetime: int = 300
) -> Blueprint:
    """The two routes. `clock` is the real one, `lifetime` in seconds."""
    blueprint = Blueprint("token", __name__)

    @blueprint.post("/oauth/token")
    def token() -> Response:
        try:
            parameters = _parameters()
            partner = _authenticated(assertions, parameters["client_assertion"])
            registered = Scopes.parse(partner.scopes)
            # Who names none gets what it is registered for: https://www.rfc-editor.org/rfc/rfc6749#section-3.3.
            scopes = Scopes.requested(parameters["scope"]) & registered if "scope" in parameters else registered
            if not scopes:
                raise _Refusal("invalid_scope", f"expected scopes out of: {registered}")
        except _Refusal as refusal:
            return _refused(refusal)
        except Unavailable:
            response = _uncached({"error": "temporarily_unavailable"}, status=503)
            response.headers["Retry-After"] = "1"
            return response
        now = int(clock.now().timestamp())
        return _uncached(
            {
                "access_token": tokens.issue(partner.id, scopes, now, lifetime),
                "token_type": "bearer",
                "expires_in": lifetime,
                "scope": str(scopes),
            }
        )

    @blueprint.get("/fhir/.well-known/smart-configuration")
    def smart_configuration() -> Response:
        return jsonify(
            {
                "token_endpoint": token_url,
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
                "scopes_supported": ["system/*.cruds", "system/*.rs"],
                "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
            }
        )

    return blueprint


def _parameters() -> dict[str, str]:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise _Refusal("invalid_request", "expected a body of application/x-www-form-urlencoded, got another type")
    values = {}
    fields = form()
    for name in (*_PARAMETERS, *(("scope",) if "scope" in fields else ())):
        given = fields.getlist(name)
        if len(given) != 1 or not given[0]:
            raise _Refusal("invalid_request", f"expected {name} once, got it {len(given)} times or empty")
        values[name] = given[0]
    if values["grant_type"] != "client_credentials":
        raise _Refusal("unsupported_grant_type", "expected grant_type client_credentials, got another")
    if values["client_assertion_type"] != ASSERTION_TYPE:
        raise _Refusal("invalid_request", f"expected client_assertion_type {ASSERTION_TYPE}, got another")
    return values


def _authenticated(assertions: ClientAssertions, assertion: str) -> Partner:
    try:
        return assertions.verify(assertion)
    except NotAuthenticated as error:
        raise _Refusal("invalid_client", error.issues[0].text.replace("`", "")) from None


def _refused(refusal: _Refusal) -> Response:
    """400, as RFC 6749 says; 401 with the scheme only for a client that tried the Authorization header."""
    response = _uncached({"error": refusal.error, "error_description": refusal.description}, status=400)
    if refusal.error == "invalid_client" and "Authorization" in request.headers:
        response.status_code = 401
        response.headers["WWW-Authenticate"] = 'Basic realm="use private_key_jwt instead"'
    return response


def _uncached(body: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
