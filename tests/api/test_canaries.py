"""What partners send never reaches a log or a metric: a marker is planted everywhere, and looked for afterwards.

A real server with its worker: everything that any of its processes, or its database, writes is in two files.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from running_house import RunningHouse, running_house, until
from whole_house import bundle, referral

from adapter.testkit.generator import OWNER, REQUESTER, generate
from mappings.json_codec import decode, encode

CANARY = "Zanzibarella"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningHouse]:
    with running_house() as house:
        yield house


def whole_bundle() -> Any:
    return decode(encode(next(generate("mobile-crisis-to-outpatient", seed=3, n=1))))


def leaves(node: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of every string."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        if isinstance(value, str):
            yield node, key
        elif isinstance(value, dict | list):
            yield from leaves(value)


def one_leaf_marked() -> Iterator[Any]:
    """A bundle for each string in it, that string being the canary: some are valid, most are not."""
    for index in range(len(list(leaves(whole_bundle())))):
        tree = whole_bundle()
        container, key = list(leaves(tree))[index]
        container[key] = CANARY
        yield tree


def all_free_text_marked() -> Any:
    tree = whole_bundle()
    for container, key in leaves(tree):
        if key in {"text", "display", "family", "title", "description", "contentString", "valueString"}:
            container[key] = f"{CANARY} {container[key]}"
        elif key == "value" and "system" in container:
            container[key] = f"{container[key]}-{CANARY}"
    for each in tree["entry"]:
        each["resource"]["id"] = CANARY
    tree["entry"][0]["resource"]["name"][0]["given"] = [CANARY]
    return tree


def plant(running: RunningHouse) -> list[requests.Response]:
    """Requests that succeed and requests that fail, with the canary in every place that a request has."""
    url, got = running.server.fhir_url, []
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {running.exchange.token(REQUESTER)}"
    session.headers["Content-Type"] = "application/fhir+json"

    def send(method: str, path: str, raw: bytes | None = None, **headers: str) -> requests.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        got.append(session.request(method, url + path, data=raw, headers=given, timeout=30))
        return got[-1]

    kept = send("POST", "", encode(all_free_text_marked()))
    assert kept.status_code == 200, kept.text
    for tree in one_leaf_marked():
        send("POST", "", encode(tree))
        send("POST", "/$process-message", encode({**copy.deepcopy(tree), "type": "message"}))
    sent = encode(referral())
    for header in ("X-Request-ID", "X-Correlation-ID", "User-Agent", "If-None-Exist", "Prefer", "Accept", "Origin",
                   "Content-Encoding", "Content-Type", "NHSD-Target-Identifier", "Idempotency-Key", "Cookie",
                   "Referer", "X-Forwarded-For", "Authorization"):  # fmt: skip
        for value in (CANARY, f"identifier={CANARY}", f"Bearer {CANARY}"):
            send("POST", "", sent, **{header: value})
            send("POST", "/Patient", encode({"resourceType": "Patient"}), **{header: value})
            send("GET", "/Patient/x", **{header: value})
    target = base64.b64encode(json.dumps({"system": CANARY, "value": CANARY}).encode()).decode()
    send("POST", "/$process-message", encode(bundle(type="message")), NHSD_Target_Identifier=target)
    for path in (f"/{CANARY}", f"/{CANARY}/x", f"/Patient/{CANARY}", f"/Patient/{CANARY}/_history/{CANARY}",
                 f"/Patient?name={CANARY}", f"/Patient?{CANARY}=x", f"/Patient?birthdate={CANARY}",
                 f"/Patient/%00{CANARY}", f"/Patient?name=%00{CANARY}", f"/Patient?_cursor={CANARY}",
                 f"/Task?patient.name={CANARY}", f"/Task?_include={CANARY}",
                 f"/Patient?_format={CANARY}", f"/Patient/1/${CANARY}"):  # fmt: skip
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", CANARY.upper()):
            send(method, path, encode({"resourceType": "Patient", "id": CANARY}))
    for raw in (CANARY.encode(), b'{"' + CANARY.encode(), f'{{"resourceType":"{CANARY}"}}'.encode(),
                f'{{"resourceType":"Patient","{CANARY}":1,"{CANARY}":2}}'.encode(), b"\xff" + CANARY.encode(),
                f'{{"resourceType":"Patient","id":"{CANARY}\\u0000"}}'.encode()):  # fmt: skip
        for path in ("", "/Patient", "/$process-message", "/Patient/$validate", "/Patient/_search"):
            send("POST", path, raw)
    patch = [{"op": "test", "path": f"/{CANARY}", "value": CANARY}]
    send("PATCH", "/Patient/x", encode(patch), Content_Type="application/json-patch+json")
    for fields in (
        {"client_assertion": CANARY},
        {"grant_type": CANARY},
        {"scope": CANARY, "grant_type": "client_credentials"},
    ):
        got.append(session.post(f"{running.server.base_url}/oauth/token", data=fields, headers=FORM, timeout=30))
    got.append(session.get(f"{running.server.base_url}/handoffs/{CANARY}", timeout=30))
    got.append(session.post(f"{running.server.base_url}/demo/clock", data=CANARY, timeout=30))
    return got


def written(running: RunningHouse) -> dict[str, str]:
    """Everything that processes of the house have written where somebody may read it."""
    metrics = requests.get(f"{running.server.base_url}/metrics", timeout=30).text
    database = (running.folder / "postgres" / "server.log").read_text(encoding="utf-8", errors="replace")
    return {
        "the log of the server and the worker": running.log,
        "the log of the database": database,
        "metrics": metrics,
    }


def test_nothing_that_was_sent_is_in_a_log_or_a_metric(running: RunningHouse) -> None:
    running.partners[OWNER].become("error 3")
    got = plant(running)
    statuses = {response.status_code for response in got}
    assert statuses >= {200, 201, 400, 401, 404, 405, 406, 415, 422}, statuses
    assert not {status for status in statuses if status >= 500}, [r.text for r in got if r.status_code >= 500]
    until(lambda: running.rows("SELECT count(*) FROM notification WHERE state = 'pending'") == [(0,)], 60, "delivery")
    for where, text in written(running).items():
        assert CANARY.lower() not in text.lower(), f"{where}: {_around(text)}"


def test_a_refusal_says_what_is_wrong_and_never_quotes_it(running: RunningHouse) -> None:
    for tree in one_leaf_marked():
        answer = running.send("POST", "", REQUESTER, tree)
        if answer.status != 200:
            texts = [issue["details"]["text"] for issue in answer.body["issue"]]
            assert CANARY not in " ".join(texts), texts


def test_the_log_is_where_we_look_for_it(running: RunningHouse) -> None:
    """The search itself: what a process of the house does write is found."""
    assert "Started worker" in running.log
    assert "database system is ready" in written(running)["the log of the database"]
    assert "# TYPE" in written(running)["metrics"]


def _around(text: str) -> str:
    place = text.lower().index(CANARY.lower())
    return text[max(0, place - 300) : place + 100]
