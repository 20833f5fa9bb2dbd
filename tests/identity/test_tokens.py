"""Who gets a token, what it opens, and the many who get none."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from door import BASE_URL, CLINIC_KEY, OTHER_KEY, RSA_KEY, SECRET, TOKEN_URL, Door, private_key, public_part
from joserfc import jwt
from joserfc.jwk import OctKey

from adapter.api.access_token import AccessTokens
from adapter.domain.scopes import Scopes


def test_a_partner_with_its_es384_key_gets_a_token_that_says_who_it_is(door: Door) -> None:
    answer = door.ask(door.sign())
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert {**answer.json, "access_token": "…"} == {
        "access_token": "…",
        "token_type": "bearer",
        "expires_in": 300,
        "scope": "system/*.cruds",
    }
    assert door.whoami(answer.json["access_token"]).json == {"tenant": "clinic", "scopes": "system/*.cruds"}


def test_who_asks_for_no_scope_gets_what_it_is_registered_for(door: Door) -> None:
    claims = door.claims(iss="hospital", sub="hospital")
    answer = door.ask(door.sign(claims, RSA_KEY, "RS384"), scope=None)  # type: ignore[arg-type]
    assert answer.json is not None and answer.json["scope"] == "system/Task.cru"


def test_a_partner_with_its_rs384_key_gets_what_it_is_registered_for_and_no_more(door: Door) -> None:
    claims = door.claims(iss="hospital", sub="hospital")
    answer = door.ask(door.sign(claims, RSA_KEY, "RS384"), scope="system/*.cruds openid")
    assert answer.json is not None and answer.json["scope"] == "system/Task.cru"


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _tampered(door: Door) -> str:
    header, _, signature = door.sign().split(".")
    return f"{header}.{_encoded(door.claims(iss='other', sub='other'))}.{signature}"


def _hs256_with_the_public_key(door: Door) -> str:
    public = json.dumps(public_part(CLINIC_KEY)["keys"][0]).encode()
    return jwt.encode({"alg": "HS256", "kid": "clinic-1"}, door.claims(), OctKey.import_key(public))


BAD_ASSERTIONS: dict[str, Callable[[Door], str]] = {
    "alg none": lambda d: f"{_encoded({'alg': 'none', 'kid': 'clinic-1'})}.{_encoded(d.claims())}.",
    "HS256 with the public key as secret": _hs256_with_the_public_key,
    "RS256 although the key fits": lambda d: d.sign(d.claims(iss="hospital", sub="hospital"), RSA_KEY, "RS256"),
    "PS384 although the key fits": lambda d: d.sign(d.claims(iss="hospital", sub="hospital"), RSA_KEY, "PS384"),
    "ES256 with another curve": lambda d: d.sign(key=private_key("clinic-1", size="P-256"), algorithm="ES256"),
    "RS384 in the header of an EC key": lambda d: d.sign(key=RSA_KEY, algorithm="RS384", kid="clinic-1"),
    "a new key under the registered kid": lambda d: d.sign(key=private_key("clinic-1")),
    "another partner's key under its own kid": lambda d: d.sign(key=OTHER_KEY),
    "another partner's key under our kid": lambda d: d.sign(key=OTHER_KEY, kid="clinic-1"),
    "no kid": lambda d: d.sign(kid=None),
    "a kid nobody has": lambda d: d.sign(kid="clinic-2"),
    "a jku that was not registered": lambda d: d.sign(jku="http://127.0.0.1:1/jwks.json"),
    "claims changed after signing": _tampered,
    "the FHIR base as audience": lambda d: d.sign(d.claims(aud=f"{BASE_URL}/fhir")),
    "two audiences": lambda d: d.sign(d.claims(aud=[TOKEN_URL, "https://elsewhere.example"])),
    "no audience": lambda d: d.sign(d.claims(aud=None)),
    "expired": lambda d: d.sign(d.claims(exp=int(d.clock.now().timestamp()) - 16)),
    "good for an hour": lambda d: d.sign(d.claims(exp=int(d.clock.now().timestamp()) + 3600)),
    "good for ever": lambda d: d.sign(d.claims(exp=None)),
    "exp as text": lambda d: d.sign(d.claims(exp="soon")),
    "exp beyond all calendars": lambda d: d.sign(d.claims(exp=10**30)),
    "exp not a number": lambda d: d.sign(d.claims(exp=True)),
    "not good yet": lambda d: d.sign(d.claims(nbf=int(d.clock.now().timestamp()) + 60)),
    "issued in the future": lambda d: d.sign(d.claims(iat=int(d.clock.now().timestamp()) + 60)),
    "no jti": lambda d: d.sign(d.claims(jti=None)),
    "an endless jti": lambda d: d.sign(d.claims(jti="j" * 256)),
    "a jti with a NUL": lambda d: d.sign(d.claims(jti="\u0000")),
    "sub of another partner": lambda d: d.sign(d.claims(sub="other")),
    "no sub": lambda d: d.sign(d.claims(sub=None)),
    "an unknown partner": lambda d: d.sign(d.claims(iss="nobody", sub="nobody")),
    "an issuer that is no text": lambda d: d.sign(d.claims(iss=["clinic"], sub=["clinic"])),
    "two parts": lambda d: d.sign().rpartition(".")[0],
    "a header that is no JSON": lambda d: f"bm9wZQ.{d.sign().partition('.')[2]}",
    "a header that is a list": lambda d: f"{_encoded([1])}.{d.sign().partition('.')[2]}",
    "no base64": lambda d: "a.b.c",
    "100 kB": lambda d: d.sign(d.claims(jti="j" * 100_000)),
    "a critical header that nobody knows": lambda d: _with_crit(d),
}


def _with_crit(door: Door) -> str:
    _, claims, signature = door.sign().split(".")
    return f"{_encoded({'alg': 'ES384', 'kid': 'clinic-1', 'crit': ['x'], 'x': 1})}.{claims}.{signature}"


@pytest.mark.parametrize("bad", BAD_ASSERTIONS, ids=str)
def test_a_bad_assertion_gets_no_token(door: Door, bad: str) -> None:
    answer = door.ask(BAD_ASSERTIONS[bad](door))
    assert answer.status_code == 400
    assert answer.json is not None and answer.json["error"] == "invalid_client"
    assert "access_token" not in answer.json


def test_before_a_signature_is_proven_nobody_learns_whether_a_partner_exists(door: Door) -> None:
    unknown = door.ask(door.sign(door.claims(iss="nobody", sub="nobody")))
    wrong_key = door.ask(door.sign(key=private_key("clinic-1")))
    assert (unknown.status_code, unknown.data) == (wrong_key.status_code, wrong_key.data)


BAD_REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "another grant": ({"grant_type": "password"}, "unsupported_grant_type"),
    "no grant": ({"grant_type": None}, "invalid_request"),
    "another assertion type": ({"client_assertion_type": "saml2"}, "invalid_request"),
    "no assertion": ({"client_assertion": None}, "invalid_request"),
    "two assertions": ({"client_assertion": ["a.b.c", "d.e.f"]}, "invalid_request"),
    "two scopes": ({"scope": ["system/*.rs", "system/*.cruds"]}, "invalid_request"),
    "a user's scope": ({"scope": "patient/Task.read openid"}, "invalid_scope"),
    "letters out of order": ({"scope": "system/Task.sr"}, "invalid_scope"),
}


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=str)
def test_a_bad_token_request_gets_an_oauth_error(door: Door, bad: str) -> None:
    changes, error = BAD_REQUESTS[bad]
    answer = door.ask(door.sign(), **changes)
    assert (answer.status_code, answer.json["error"]) == (400, error)  # type: ignore[index]


def test_a_json_body_at_the_token_endpoint_is_refused(door: Door) -> None:
    answer = door.app.test_client().post("/oauth/token", json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")  # type: ignore[index]


def test_a_client_that_tries_basic_authentication_is_told_so_with_401(door: Door) -> None:
    form = {"grant_type": "client_credentials", "scope": "s", "client_assertion_type": "t", "client_assertion": "a.b.c"}
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    answer = door.app.test_client().post("/oauth/token", data=form, headers={"Authorization": "Basic eDp5"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_an_assertion_is_good_for_one_token(door: Door) -> None:
    assertion = door.sign()
    assert door.ask(assertion).status_code == 200
    assert door.ask(assertion).status_code == 400


def test_eight_threads_with_one_assertion_get_exactly_one_token(door: Door) -> None:
    for _ in range(5):
        assertion = door.sign(door.claims())
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda a: door.ask(a).status_code, [assertion] * 8))
        assert sorted(answers) == [200] + [400] * 7


def test_two_partners_may_use_the_same_jti(door: Door) -> None:
    assert door.ask(door.sign(door.claims(jti="1"))).status_code == 200
    other = door.claims(iss="other", sub="other", jti="1")
    assert door.ask(door.sign(other, OTHER_KEY)).status_code == 200


def test_a_rotated_key_works_beside_the_old_one_until_that_is_taken_away(door: Door) -> None:
    new_key = private_key("clinic-2")
    clinic = door.register.directory().get("clinic")
    assert clinic is not None
    door.register.put(replace(clinic, jwks=public_part(CLINIC_KEY, new_key)))
    assert door.ask(door.sign(door.claims(jti="a"))).status_code == 200
    assert door.ask(door.sign(door.claims(jti="b"), new_key)).status_code == 200
    door.register.put(replace(clinic, jwks=public_part(new_key)))
    assert door.ask(door.sign(door.claims(jti="c"))).status_code == 400
    assert door.ask(door.sign(door.claims(jti="d"), new_key)).status_code == 200


def test_a_disabled_partner_gets_no_token_and_its_old_one_opens_nothing(door: Door) -> None:
    token = door.token()
    assert door.whoami(token).status_code == 200
    door.register.disable("clinic")
    refused = door.whoami(token)
    assert (refused.status_code, refused.json["code"]) == (401, "unknown")  # type: ignore[index]
    assert door.ask(door.sign(door.claims(jti="later"))).status_code == 400


def _without(token: str, **changes: Any) -> str:
    """The token with other claims, signature as it was."""
    header, claims, signature = token.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{header}.{_encoded({**decoded, **changes})}.{signature}"


def _token_by(secret: bytes, audience: str = f"{BASE_URL}/fhir", tenant: str = "clinic") -> Callable[[Door], str]:
    def make(door: Door) -> str:
        now = int(door.clock.now().timestamp())
        return AccessTokens(secret, audience).issue(tenant, Scopes.parse("system/*.cruds"), now, 300)

    return make


BAD_TOKENS: dict[str, tuple[Callable[[Door], str | None], str]] = {
    "none at all": (lambda d: None, "login"),
    "an empty one": (lambda d: "", "login"),
    "garbage": (lambda d: "garbage", "unknown"),
    "alg none": (lambda d: f"{_encoded({'alg': 'none', 'typ': 'at+jwt'})}.{d.token().split('.')[1]}.", "unknown"),
    "signed with another secret": (_token_by(b"another secret of the same length"), "unknown"),
    "made for another server": (_token_by(SECRET, "https://elsewhere.example/fhir"), "unknown"),
    "of a partner that is not registered": (_token_by(SECRET, tenant="nobody"), "unknown"),
    "another tenant written in": (lambda d: _without(d.token(), sub="other"), "unknown"),
    "more scopes written in": (lambda d: _without(d.token(), scope="system/*.cruds system/Binary.c"), "unknown"),
    "a longer life written in": (lambda d: _without(d.token(), exp=4102444800), "unknown"),
    "the client assertion itself": (lambda d: d.sign(), "unknown"),
    "our secret, but no access token": (lambda d: _plain_jwt(d), "unknown"),
    "endless": (lambda d: "a" * 100_000, "unknown"),
}


def _plain_jwt(door: Door) -> str:
    claims = door.claims(aud=f"{BASE_URL}/fhir", iss=f"{BASE_URL}/fhir", scope="system/*.cruds")
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(SECRET))


@pytest.mark.parametrize("bad", BAD_TOKENS, ids=str)
def test_a_bad_access_token_opens_nothing(door: Door, bad: str) -> None:
    make, code = BAD_TOKENS[bad]
    answer = door.whoami(make(door))
    assert (answer.status_code, answer.json) == (401, {"error": "NotAuthenticated", "code": code})


@pytest.mark.parametrize(
    ("bad", "word"),
    [("signed with another secret", "HANDOFF_SECRET"), ("made for another server", "HANDOFF_BASE_URL")],
)
def test_hosts_that_do_not_share_what_they_must_are_told_of_once(
    door: Door, bad: str, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    make, _ = BAD_TOKENS[bad]
    for _ in range(3):
        door.whoami(make(door))
    assert [record.getMessage().count(f"{word} differs between hosts") for record in caplog.records] == [1]


@pytest.mark.parametrize("bad", sorted({*BAD_TOKENS} - {"signed with another secret", "made for another server"}))
def test_other_bad_tokens_say_nothing_of_hosts(door: Door, bad: str, caplog: pytest.LogCaptureFixture) -> None:
    make, _ = BAD_TOKENS[bad]
    door.whoami(make(door))
    assert all("HANDOFF_BASE_URL" not in record.getMessage() for record in caplog.records)


def test_another_scheme_than_bearer_is_refused(door: Door) -> None:
    answer = door.app.test_client().get("/whoami", headers={"Authorization": f"Basic {door.token()}"})
    assert answer.json == {"error": "NotAuthenticated", "code": "login"}


def test_a_token_ends_after_five_minutes_also_when_it_was_seen_before(door: Door) -> None:
    token = door.token()
    door.clock.advance(299)
    assert door.whoami(token).status_code == 200
    door.clock.advance(1)
    assert door.whoami(token).json == {"error": "NotAuthenticated", "code": "expired"}


def test_a_token_without_the_scope_is_forbidden(door: Door) -> None:
    answer = door.ask(door.sign(), scope="system/Patient.cruds")
    assert answer.json is not None
    refused = door.whoami(answer.json["access_token"])
    assert refused.json == {"error": "NotAllowed", "code": "forbidden"}


def test_the_smart_configuration_says_where_and_how(door: Door) -> None:
    answer = door.app.test_client().get("/fhir/.well-known/smart-configuration")
    assert answer.json is not None and answer.content_type == "application/json"
    assert answer.json["token_endpoint"] == TOKEN_URL
    assert answer.json["token_endpoint_auth_signing_alg_values_supported"] == ["ES384", "RS384"]
    assert "client-confidential-asymmetric" in answer.json["capabilities"]
