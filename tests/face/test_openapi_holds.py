"""Schemathesis tries the plain JSON face by its own OpenAPI: what it allows, what it does not, and what is answered.

https://schemathesis.readthedocs.io. The examples are the same in every run.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final
from uuid import uuid4
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from whole_house import RECEIVER, SENDER, WholeHouse

CHECKS: Final = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.ignored_auth,
]
"""Not positive_data_acceptance: no schema says that an end must not be before its start, or what a gate asks for."""
ALWAYS: Final = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
FEW: Final = settings(ALWAYS, max_examples=8)
RESTING_ON_MORE: Final = {"confidentiality", "consents", "emergency", "documents"}
"""Members that name organisations, or need each other."""


pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
"""What other threads of this process draw meanwhile is taken for the strategies' own."""


@pytest.fixture(scope="module")
def schema(house: WholeHouse) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", house.app)


def bearer(house: WholeHouse, path: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.bearer(RECEIVER if path.startswith('/handoffs/{id}/') else SENDER)}"}


def often(path: str) -> settings:
    """Those that add to a handoff are alike: what one of them meets, the others do."""
    return FEW if path.startswith("/handoffs/{id}/") and not path.endswith("status") else ALWAYS


BELOW: Final = [
    ("POST", "/handoffs/{id}/status", 200),
    ("POST", "/handoffs/{id}/contacts", 201),
    ("POST", "/handoffs/{id}/appointment", 200),
    ("POST", "/handoffs/{id}/documents", 201),
    ("POST", "/handoffs/{id}/consents", 201),
    ("POST", "/handoffs/{id}/emergency", 201),
    ("DELETE", "/handoffs/{id}/consents", 200),
]


@pytest.mark.parametrize(
    ("method", "path", "success"),
    [
        ("POST", "/handoffs", 201),
        ("GET", "/handoffs", 200),
        ("GET", "/handoffs/{id}", 200),
        *BELOW,
        ("POST", "/oauth/token", None),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
    ],
)
def test_what_the_openapi_allows_is_answered_as_it_says(
    house: WholeHouse, schema: Any, method: str, path: str, success: int | None
) -> None:
    allowed = schema[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE)
    headers, seen = bearer(house, path), Counter[int]()

    @often(path)
    @given(case=allowed)
    def tried(case: Any) -> None:
        known = crc32(repr((case.body, case.path_parameters)).encode()) % 4 > 0  # and else as it was thought up
        if "X-Request-ID" in case.headers:  # else nearly all would be the first one again, with another body
            case.headers["X-Request-ID"] = str(uuid4())
        if known and "id" in case.path_parameters:
            case.path_parameters["id"] = house.begin().id
            case.headers.pop("If-Match", None)
            if method == "POST" and path.endswith("consents"):
                case.body = {**case.body, "recipients": [RECEIVER]}
            if method == "POST" and path.endswith("documents"):
                case.body.pop("confidentiality", None)  # for want of a consent
            if path.endswith("emergency"):
                case.body["to"]["organization"] = RECEIVER
                case.body["by"].pop("organization", None)
        if known and (method, path) == ("POST", "/handoffs"):
            plain = {name: case.body[name] for name in case.body.keys() - RESTING_ON_MORE}
            case.body = {**plain, "recipient": RECEIVER, "pathway": "referral"}
        seen[case.call_and_validate(headers=headers, checks=CHECKS).status_code] += 1

    tried()
    assert success is None or seen[success], f"what is answered to success was never seen: {seen}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/handoffs"),
        ("GET", "/handoffs/{id}"),
        *((method, path) for method, path, _ in BELOW),
        ("POST", "/oauth/token"),
    ],
)
def test_what_the_openapi_forbids_is_refused_as_it_says(house: WholeHouse, schema: Any, method: str, path: str) -> None:
    forbidden = schema[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    headers, seen = bearer(house, path), Counter[int]()

    @often(path)
    @given(case=forbidden)
    def tried(case: Any) -> None:
        seen[case.call_and_validate(headers=headers, checks=CHECKS).status_code] += 1

    tried()
    assert all(400 <= status < 500 for status in seen), seen
