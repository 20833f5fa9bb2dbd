"""The fields of a partner file and what each may hold (marshmallow). Unknown fields are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from joserfc.errors import JoseError
from joserfc.jwk import import_key
from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema
from marshmallow.validate import Length, OneOf, Range, Regexp

from adapter.domain.scopes import Scopes

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PAYLOADS: Final = ("empty", "id-only", "full-resource")
COVERAGES: Final = ("insured", "medicaid", "sliding-scale", "uninsured")
TELECOM_SYSTEMS: Final = ("phone", "fax", "email", "pager", "url", "sms", "other")
HIDDEN: Final = "(hidden)"
"""Shown in place of a header's value; refused as one, or adding what was shown would destroy a secret."""
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""JWK members that hold private or symmetric key material (RFC 7518, section 6)."""

_LETTERS_OF_2048_BITS: Final = 342
"""256 bytes in base64url."""

_EXPECTED: Final = {
    "required": "expected a value, got none",
    "null": "expected a value or no field at all, got null",
    "unknown": "expected a field of docs/partners.md, got an unknown one",
}


def _of(expected: str) -> dict[str, Any]:
    text = f"expected {expected}, got something else"
    return _EXPECTED | {"invalid": text, "type": text, "validator_failed": text, "too_large": text}


def _text(
    expected: str = "a text", *, pattern: str = r"\S([^\x00-\x1f\x7f]*\S)?", longest: int = 200, **options: Any
) -> fields.String:
    checks = [Length(max=longest, error=f"expected at most {longest} characters, got more")]
    checks.append(Regexp(re.compile(rf"\A(?:{pattern})\Z"), error=f"expected {expected}, got something else"))  # type: ignore[arg-type]
    return fields.String(validate=checks, error_messages=_of(expected), **options)


def _partner_id(**options: Any) -> fields.String:
    return _text("an id of letters, digits and hyphens, 40 at most", pattern="[A-Za-z0-9-]+", longest=40, **options)


def _one_of(choices: tuple[str, ...], **options: Any) -> fields.String:
    expected = f"one of {', '.join(choices)}"
    return fields.String(
        validate=OneOf(choices, error=f"expected {expected}, got `{{input}}`"), error_messages=_of(expected), **options
    )


def _list(item: fields.Field[Any] | type[Schema], **options: Any) -> fields.List[Any]:
    inner = item if isinstance(item, fields.Field) else fields.Nested(item, error_messages=_of("an object"))
    return fields.List(inner, error_messages=_of("a list"), **options)


def _days(**options: Any) -> fields.List[Any]:
    return _list(_one_of(DAYS), validate=Length(min=1, error="expected at least one day, got none"), **options)


def _boolean(**options: Any) -> fields.Boolean:
    return fields.Boolean(truthy={True}, falsy={False}, error_messages=_of("true or false"), **options)


def http_address(url: str) -> None:
    """Raises ValidationError unless `url` is an absolute http(s) address without credentials or fragment."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or re.search(r"[\s\\]", url):
        raise ValidationError("expected an absolute http or https address, got something else")
    if parts.username is not None or parts.password is not None:
        raise ValidationError("expected an address without user name and password, got one with them")
    if parts.fragment:
        raise ValidationError("expected an address without fragment, got one with it")


def message_address(address: str) -> None:
    """An address by which messages name a partner: a URI, or `system|value` as in NHS BaRS."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+", address):
        raise ValidationError("expected a URI or `system|value`, got something else")


def public_keys(jwks: Mapping[str, Any]) -> None:
    """Raises ValidationError unless `jwks` is a set of public keys for RS384 or ES384, each with its own kid."""
    keys = jwks.get("keys")
    if set(jwks) != {"keys"} or not isinstance(keys, list) or not keys or not all(isinstance(k, dict) for k in keys):
        raise ValidationError("expected a JWK Set: an object with a non-empty list `keys`, got something else")
    seen = set()
    for number, key in enumerate(keys):
        if PRIVATE_MEMBERS & key.keys():
            raise ValidationError(
                f"keys[{number}]: expected a PUBLIC key, got a private one: it is compromised, make a new pair"
            )
        if problem := _key_problem(key):
            raise ValidationError(f"keys[{number}]: {problem}")
        if key["kid"] in seen:
            raise ValidationError(f"keys[{number}]: expected each kid once, got a repeated one")
        seen.add(key["kid"])


def _key_problem(key: dict[str, Any]) -> str | None:
    if not isinstance(key.get("kid"), str) or not key["kid"]:
        return "expected a kid, got none"
    # The kind first, from the members themselves: the library would warn of a short key and take it.
    if key.get("kty") == "EC" and key.get("crv") == "P-384":
        algorithm = "ES384"
    elif key.get("kty") == "RSA" and len(str(key.get("n"))) >= _LETTERS_OF_2048_BITS:
        algorithm = "RS384"
    else:
        return "expected an EC key on P-384 or an RSA key of at least 2048 bits, got another kind"
    try:
        import_key(key)
    except (JoseError, ValueError, TypeError, KeyError):
        return "expected a well-formed JWK, got something else"
    if key.get("alg", algorithm) != algorithm or key.get("use", "sig") != "sig":
        return f"expected alg {algorithm} and use sig (or neither), got others"
    if "verify" not in key.get("key_ops", ["verify"]):
        return "expected key_ops with verify (or none), got others"
    return None


def time_zone(name: str) -> None:
    if name not in _time_zones():
        raise ValidationError("expected an IANA time zone, as America/New_York, got an unknown one")


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def holiday_calendar(name: str) -> None:
    """`US` or `US-CA`: a country of the `holidays` package, with or without one of its subdivisions."""
    from holidays import country_holidays  # slow to import, and few partners have one

    country, _, subdivision = name.partition("-")
    try:
        country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        raise ValidationError("expected a country or country-subdivision, as US or US-CA, got an unknown one") from None


def scope(text: str) -> None:
    try:
        Scopes.parse([text])
    except ValueError as error:
        raise ValidationError(str(error)) from None


def headers(mapping: Mapping[str, str]) -> None:
    """Header names are RFC 9110 tokens, values hold no control character: a line break would smuggle in a header."""
    for name, value in mapping.items():
        if value == HIDDEN:
            raise ValidationError("expected the value itself, got what `partners show` prints in its place")
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", value):
            raise ValidationError("expected header names and values of printable ASCII, got something else")


class _Strict(Schema):
    class Meta:
        unknown = RAISE

    error_messages = _of("an object")


class IdentifierSchema(_Strict):
    system = _text("a URI", pattern=r"|[A-Za-z][A-Za-z0-9+.-]*:\S+", longest=1000)
    value = _text(longest=1000, required=True)


class TelecomSchema(_Strict):
    system = _one_of(TELECOM_SYSTEMS, required=True)
    value = _text(required=True)


class ChannelSchema(_Strict):
    type = _text("a channel type, as rest-hook", pattern="[a-z-]+", required=True)
    endpoint = _text("an address", longest=1000, pattern=r"|\S+", load_default="")
    payload = _one_of(PAYLOADS, load_default="id-only")
    headers = fields.Dict(
        keys=fields.String(error_messages=_of("a text")),
        values=fields.String(error_messages=_of("a text")),
        validate=headers,
        error_messages=_of("an object of texts"),
    )

    @validates_schema
    def _address_fits_type(self, data: Mapping[str, Any], **_: Any) -> None:
        address = data["endpoint"]
        if data["type"] in {"poll", "null"}:
            if address:
                raise ValidationError("expected no endpoint for this type, got one", "endpoint")
        elif data["type"] == "email":
            if not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+", address):
                raise ValidationError("expected `mailto:` and one address, got something else", "endpoint")
        else:
            try:
                http_address(address)
            except ValidationError as error:
                raise ValidationError(error.messages, "endpoint") from None


class HoursSchema(_Strict):
    from_ = _text(
        "a time as 09:00", pattern=r"([01]\d|2[0-3]):[0-5]\d", data_key="from", attribute="from", required=True
    )
    to = _text("a time as 17:00", pattern=r"([01]\d|2[0-3]):[0-5]\d", required=True)

    @validates_schema
    def _in_order(self, data: Mapping[str, Any], **_: Any) -> None:
        if time.fromisoformat(data["from"]) >= time.fromisoformat(data["to"]):
            raise ValidationError("expected `to` later than `from`, got the contrary")


class ServiceHoursSchema(HoursSchema):
    days = _days(required=True)


class ServiceSchema(_Strict):
    """A HealthcareService: what the organisation offers, whose coverage it takes, how many it can still take."""

    id = _text("an id of letters, digits and hyphens, 20 at most", pattern="[A-Za-z0-9-]+", longest=20, required=True)
    name = _text(required=True)
    type = _text()
    accepted_coverage = _list(_one_of(COVERAGES))
    capacity = fields.Integer(
        strict=True,
        validate=Range(min=0, error="expected a number from 0, got a negative one"),
        error_messages=_of("a whole number"),
    )
    accepting = _boolean()
    hours = _list(ServiceHoursSchema)


class PartnerSchema(_Strict):
    id = _partner_id(required=True)
    name = _text(required=True)
    active = _boolean(load_default=True)
    identifiers = _list(IdentifierSchema, load_default=list)
    telecom = _list(TelecomSchema, load_default=list)
    endpoints = _list(fields.String(validate=message_address, error_messages=_of("a text")), load_default=list)
    dialect = _text("the name of a dialect", pattern="[a-z0-9-]+", load_default="base")
    channels = _list(ChannelSchema, load_default=list)
    jwks = fields.Dict(keys=fields.String(), validate=public_keys, error_messages=_of("a JWK Set"))
    jwks_url = fields.String(validate=http_address, error_messages=_of("an address"))
    scopes = _list(fields.String(validate=scope, error_messages=_of("a scope")))
    time_zone = fields.String(load_default="UTC", validate=time_zone, error_messages=_of("a time zone"))
    business_days = _days(load_default=DAYS[:5])
    business_hours = fields.Nested(HoursSchema, error_messages=_of("an object"))
    holidays = fields.String(validate=holiday_calendar, error_messages=_of("a holiday calendar"))
    alternate_contacts = _list(_partner_id(), load_default=list)
    escalation_owner = _partner_id()
    services = _list(ServiceSchema, load_default=list)

    @validates_schema
    def _agrees_with_itself(self, data: Mapping[str, Any], **_: Any) -> None:
        if "jwks" in data and "jwks_url" in data:
            raise ValidationError("expected jwks or jwks_url, got both", "jwks_url")
        for name in ("identifiers", "endpoints"):
            items = [str(sorted(item.items())) if isinstance(item, dict) else item for item in data[name]]
            if len(set(items)) != len(items):
                raise ValidationError("expected each once, got one twice", name)
        ids = [service["id"] for service in data["services"]]
        if len(set(ids)) != len(ids):
            raise ValidationError("expected each service id once, got one twice", "services")
        if data["id"] == data.get("escalation_owner") or data["id"] in data["alternate_contacts"]:
            raise ValidationError("expected another partner as backup, got this one", "alternate_contacts")
