"""What an answer means: what is settled, what is tried again, what a person should look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from adapter.delivery.outbound import Reply
from adapter.delivery.reply import outcome_of, outcome_of_error, response_code_of
from adapter.delivery.signature import sign, verify
from adapter.domain.errors import BusinessRule
from adapter.use_cases.delivery_ports import Result

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DUPLICATE = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"duplicate","diagnostics":"Ana"}]}'
CONFLICT = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"conflict"}]}'


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", Result.DELIVERED),
        (202, b"not json", Result.DELIVERED),
        (204, b"", Result.DELIVERED),
        (409, DUPLICATE, Result.DELIVERED),
        (409, CONFLICT, Result.REFUSED),
        (409, b"", Result.REFUSED),
        (301, b"", Result.REFUSED),
        (307, b"", Result.REFUSED),
        (400, b"", Result.REFUSED),
        (401, b"", Result.REFUSED),
        (404, b"", Result.REFUSED),
        (410, b"", Result.REFUSED),
        (422, DUPLICATE, Result.REFUSED),
        (408, b"", Result.UNREACHABLE),
        (425, DUPLICATE, Result.UNREACHABLE),
        (429, b"", Result.UNREACHABLE),
        (500, b"", Result.UNREACHABLE),
        (503, b"\xff\xfe", Result.UNREACHABLE),
    ],
)
def test_an_answer_settles_or_does_not(status: int, body: bytes, expected: Result) -> None:
    assert outcome_of(Reply(status, {}, body), NOW).result is expected


def test_what_a_partner_wrote_is_not_kept() -> None:
    detail = outcome_of(Reply(422, {}, DUPLICATE), NOW).detail
    assert detail == "HTTP 422 duplicate"
    odd = b'{"issue":[{"code":"Ana Lopez, born 1990"},{"code":7},"x"]}'
    assert outcome_of(Reply(400, {}, odd), NOW).detail == "HTTP 400"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", timedelta(seconds=120)),
        ("Sun, 01 Mar 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_understood_in_both_forms(text: str, expected: timedelta | None) -> None:
    assert outcome_of(Reply(503, {"retry-after": text}, b""), NOW).retry_after == expected


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (requests.exceptions.ConnectTimeout("to 10.0.0.1"), Result.UNREACHABLE),
        (requests.exceptions.ReadTimeout(), Result.UNREACHABLE),
        (requests.exceptions.SSLError(), Result.UNREACHABLE),
        (requests.exceptions.ConnectionError(), Result.UNREACHABLE),
        (ConnectionResetError(), Result.UNREACHABLE),
        (ValueError("a broken peer"), Result.UNREACHABLE),
        (BusinessRule("expected https", code="security"), Result.REFUSED),
    ],
)
def test_no_answer_is_an_outcome_too(error: Exception, result: Result) -> None:
    outcome = outcome_of_error(error)
    assert outcome.result is result
    assert "10.0.0.1" not in outcome.detail


def test_a_response_code_is_found_wherever_the_bundle_is_odd() -> None:
    good = b'{"entry":[{"resource":{"resourceType":"MessageHeader","response":{"code":"fatal-error"}}}]}'
    assert response_code_of(Reply(200, {}, good)) == "fatal-error"
    for odd in (b"", b"[]", b'{"entry":7}', b'{"entry":[7,{"resource":3},{}]}', b'{"entry":[{"resource":{}}]}'):
        assert response_code_of(Reply(200, {}, odd)) is None


def test_a_signature_holds_for_its_body_its_secret_and_five_minutes() -> None:
    header = sign("secret", b"body", NOW)
    assert verify("secret", b"body", header, NOW + timedelta(seconds=299))
    assert not verify("secret", b"body", header, NOW + timedelta(seconds=301))
    assert not verify("secret", b"body", header, NOW - timedelta(seconds=301))
    assert not verify("other", b"body", header, NOW)
    assert not verify("secret", b"other", header, NOW)
    assert not verify("secret", b"body", "t=,v1=", NOW)
    assert not verify("secret", b"body", "", NOW)
