"""A door to knock on: the real token endpoint, the real register on a real database, a route that says who you are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey, import_key
from werkzeug.test import TestResponse

from adapter.api.access_token import AccessTokens
from adapter.api.authentication import Authentication
from adapter.api.client_assertion import ClientAssertions
from adapter.api.client_keys import ClientKeys
from adapter.api.token import ASSERTION_TYPE, token_blueprint
from adapter.delivery.outbound import DEMO, Outbound
from adapter.domain.errors import HandoffError
from adapter.domain.partner import Partner
from adapter.storage.partner_register import PartnerRegister
from adapter.storage.used_assertions import UsedAssertions

BASE_URL = "http://handoff.test"
TOKEN_URL = f"{BASE_URL}/oauth/token"
SECRET = b"a secret that only this test knows"


class FixedClock:
    """Stands still until told to move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def private_key(kid: str, kind: str = "EC", size: object = "P-384") -> dict[str, Any]:
    key = ECKey.generate_key(str(size)) if kind == "EC" else RSAKey.generate_key(size)  # type: ignore[arg-type]
    return {**key.as_dict(private=True), "kid": kid}


def public_part(*keys: Mapping[str, Any]) -> dict[str, Any]:
    return {"keys": [{k: v for k, v in key.items() if k not in {"d", "p", "q", "dp", "dq", "qi"}} for key in keys]}


CLINIC_KEY = private_key("clinic-1")
RSA_KEY = private_key("hospital-1", "RSA", 2048)
OTHER_KEY = private_key("other-1")


@dataclass
class Door:
    """A server with the partners `clinic` (ES384), `hospital` (RS384) and `other`."""

    register: PartnerRegister
    used: UsedAssertions
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.register.put(
            Partner(id="clinic", name="Clinic", jwks=public_part(CLINIC_KEY)),
            Partner(id="hospital", name="Hospital", jwks=public_part(RSA_KEY), scopes=("system/Task.cru",)),
            Partner(id="other", name="Other", jwks=public_part(OTHER_KEY)),
        )
        self.tokens = AccessTokens(SECRET, f"{BASE_URL}/fhir")
        self.app = self.new_process(self.register)

    def new_process(self, register: PartnerRegister) -> Flask:
        """Another server process on the same database."""
        app = Flask("door")
        keys = ClientKeys(Outbound(DEMO))
        assertions = ClientAssertions(TOKEN_URL, register, keys, self.used, self.clock)
        app.register_blueprint(token_blueprint(self.tokens, assertions, self.clock, token_url=TOKEN_URL))
        authenticate = Authentication(self.tokens, register, self.clock)

        @app.get("/whoami")
        def whoami() -> Any:
            client = authenticate(request.headers)
            client.scopes.require("Task", "read")
            return jsonify(tenant=client.tenant, scopes=str(client.scopes))

        @app.errorhandler(HandoffError)
        def refuse(error: HandoffError) -> Any:
            return jsonify(error=type(error).__name__, code=error.issues[0].code), 401

        return app

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good claims of the clinic, changed; None takes one away."""
        now = int(self.clock.now().timestamp())
        good = {"iss": "clinic", "sub": "clinic", "aud": TOKEN_URL, "exp": now + 120, "jti": f"jti-{id(changes)}-{now}"}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def sign(
        self,
        claims: dict[str, Any] | None = None,
        key: Mapping[str, Any] = CLINIC_KEY,
        algorithm: str = "ES384",
        **header: Any,
    ) -> str:
        whole = {"alg": algorithm, "kid": key["kid"], "typ": "JWT", **header}
        whole = {name: value for name, value in whole.items() if value is not None}
        bare = {name: value for name, value in key.items() if name not in {"kid", "alg"}}
        return jwt.encode(whole, claims or self.claims(), import_key(bare), algorithms=[algorithm])

    def ask(self, assertion: str, scope: str = "system/*.cruds", **changes: Any) -> TestResponse:
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **changes,
        }
        form = {name: value for name, value in form.items() if value is not None}
        return self.app.test_client().post("/oauth/token", data=form)

    def token(self) -> str:
        answer = self.ask(self.sign())
        assert answer.status_code == 200, answer.text
        return str(answer.json["access_token"])  # type: ignore[index]

    def whoami(self, token: str | None) -> TestResponse:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.app.test_client().get("/whoami", headers=headers)


class Elapsed:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds
