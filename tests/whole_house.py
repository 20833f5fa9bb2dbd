"""The whole application in this process: a real database, the demo partners, and a caller for each with its token."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask
from werkzeug.datastructures import Headers

from adapter.api.access_token import AccessTokens
from adapter.app import House, create_app, furnish
from adapter.config import Settings, signing_secret
from adapter.demo_partners import ensure_demo_partners
from adapter.domain.errors import Malformed
from adapter.domain.scopes import Scopes
from adapter.storage import open_store
from mappings.canonicals import FHIR_TASK_CODE_SYSTEM
from mappings.json_codec import decode, encode

Tree = dict[str, Any]

FHIR_JSON = "application/fhir+json"
JSON_PATCH = "application/json-patch+json"
SENDER, RECEIVER, THIRD = "mobile-crisis", "outpatient-clinic", "ob-clinic"


@dataclass(frozen=True)
class Got:
    """An answer. `tree` is the decoded body (numbers keep their digits), None when there is none or it is no JSON."""

    status: int
    headers: Headers
    raw: bytes

    @property
    def tree(self) -> Any:
        try:
            return decode(self.raw)
        except Malformed:
            return None

    @property
    def issues(self) -> list[Tree]:
        assert self.tree["resourceType"] == "OperationOutcome", self.tree
        issues: list[Tree] = self.tree["issue"]
        return issues

    @property
    def code(self) -> str:
        return str(self.issues[0]["code"])

    @property
    def text(self) -> str:
        return " | ".join(issue["details"]["text"] for issue in self.issues)

    @property
    def expression(self) -> str:
        return str(self.issues[0].get("expression", [""])[0])

    @property
    def etag(self) -> str:
        return str(self.headers["ETag"])

    @property
    def located(self) -> list[str]:
        """`Type/id` of each entry of a transaction-response."""
        return ["/".join(e["response"].get("location", "").split("/")[:2]) for e in self.tree["entry"]]


class Caller:
    """One organisation (or nobody, without a token) that sends requests. Safe to use from several threads."""

    def __init__(self, app: Flask, bearer: str | None):
        self._app = app
        self._bearer = bearer

    def send(
        self,
        method: str,
        path: str,
        tree: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        raw: bytes | None = None,
    ) -> Got:
        """`path` is relative to the FHIR base unless it begins with a slash. A list is sent as a JSON Patch."""
        given = Headers()
        if self._bearer:
            given["Authorization"] = f"Bearer {self._bearer}"
        if tree is not None:
            raw = encode(tree)
        if raw is not None:
            given["Content-Type"] = JSON_PATCH if isinstance(tree, list) else FHIR_JSON
        for name, value in (headers or {}).items():
            given[name] = value
        url = path if path.startswith("/") else f"/fhir/{path}".rstrip("/")
        answer = self._app.test_client().open(url, method=method, data=raw, headers=given)
        return Got(answer.status_code, answer.headers, answer.data)

    def get(self, path: str, **headers: str) -> Got:
        return self.send("GET", path, headers=_spelled(headers))

    def post(self, path: str, tree: Any, **headers: str) -> Got:
        return self.send("POST", path, tree, _spelled(headers))

    def put(self, path: str, tree: Any, **headers: str) -> Got:
        return self.send("PUT", path, tree, _spelled(headers))

    def patch(self, path: str, tree: Any, **headers: str) -> Got:
        return self.send("PATCH", path, tree, _spelled(headers))

    def delete(self, path: str, **headers: str) -> Got:
        return self.send("DELETE", path, headers=_spelled(headers))

    def move(self, task: str, status: str, *, reason: str | None = None, if_match: str | None = None) -> Got:
        """Set the status of a Task on the version that is current now, or on the one that is named."""
        operations: list[Tree] = [{"op": "replace", "path": "/status", "value": status}]
        if reason:
            operations.append({"op": "add", "path": "/statusReason", "value": {"text": reason}})
        return self.patch(task, operations, If_Match=if_match or self.get(task).headers.get("ETag", 'W/"1"'))

    def search(self, query: str) -> list[str]:
        """`Type/id` of every entry of the first page."""
        page = self.get(query)
        assert page.status == 200, page.tree
        return [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in page.tree.get("entry", ())]


def _spelled(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True)
class WholeHouse:
    house: House
    app: Flask

    def caller(self, tenant: str, scopes: str = "system/*.cruds") -> Caller:
        return Caller(self.app, self.bearer(tenant, scopes))

    def bearer(self, tenant: str, scopes: str = "system/*.cruds") -> str:
        """An access token, for whoever sends by other means than a Caller."""
        tokens = AccessTokens(signing_secret(self.house.settings), self.house.settings.fhir_url)
        return tokens.issue(tenant, Scopes.parse(scopes), int(time.time()), 300)

    @property
    def nobody(self) -> Caller:
        return Caller(self.app, None)

    def begin(self, owner: str = RECEIVER, sender: str = SENDER, **task: Any) -> Begun:
        """A referral handoff of three resources, sent as a transaction."""
        sent = self.caller(sender).post("", referral(sender, owner, **task))
        assert sent.status == 200, sent.tree
        patient, request, made = sent.located
        return Begun(patient, request, made)


@dataclass(frozen=True)
class Begun:
    """`Type/id` of what a referral consists of."""

    patient: str
    request: str
    task: str

    @property
    def id(self) -> str:
        return self.task.partition("/")[2]


def referral(sender: str = SENDER, owner: str = RECEIVER, **task: Any) -> Tree:
    """A transaction that begins a handoff on the base pathway; `task` adds or replaces elements of its Task."""
    patient, request = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    number = uuid4().hex
    return transaction(
        {
            "resourceType": "Patient",
            "identifier": [{"system": "urn:example:mrn", "value": f"T{number}"}],
            "name": [{"family": "Testerly", "given": ["Rowan"]}],
        },
        {
            "resourceType": "ServiceRequest",
            "identifier": [{"system": "urn:example:orders", "value": f"R{number}"}],
            "status": "active",
            "intent": "order",
            "subject": {"reference": patient},
        },
        {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": FHIR_TASK_CODE_SYSTEM, "code": "fulfill"}]},
            "focus": {"reference": request},
            "for": {"reference": patient},
            "requester": {"reference": f"Organization/{sender}"},
            "owner": {"reference": f"Organization/{owner}"},
            **task,
        },
        full_urls=(patient, request),
    )


def transaction(*trees: Tree, full_urls: tuple[str | None, ...] = (), type: str = "transaction") -> Tree:
    """A Bundle that creates each of `trees`, the first ones under `full_urls`."""
    entries = []
    for index, tree in enumerate(trees):
        full_url = full_urls[index] if index < len(full_urls) else None
        entry: Tree = {"fullUrl": full_url} if full_url else {}
        entries.append({**entry, "resource": tree, "request": {"method": "POST", "url": tree["resourceType"]}})
    return {"resourceType": "Bundle", "type": type, "entry": entries}


def bundle(*entries: Tree, type: str = "transaction") -> Tree:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def entry(method: str, url: str, resource: Tree | None = None, **request: str) -> Tree:
    """`ifMatch` and the like go into `request`; `fullUrl` beside it."""
    made: Tree = {"request": {"method": method, "url": url, **request}}
    if "fullUrl" in request:
        made["fullUrl"] = made["request"].pop("fullUrl")
    if resource is not None:
        made["resource"] = resource
    return made


@contextmanager
def whole_house(database_url: str, folder: Path, **settings: Any) -> Iterator[WholeHouse]:
    """Everything but the web server and the worker, on a fresh migrated database. Tests ask faster than any partner, so
    that rates have no limit unless `settings` say one."""
    rates = {"client_rate": 0, "address_rate": 0}
    given = Settings(data_dir=folder, base_url="http://127.0.0.1:8080", **{**rates, **settings})
    store = open_store(database_url, pool_size=12)
    try:
        house = furnish(given, database_url, store)
        ensure_demo_partners(store, house.register, given.demo_keys, house.clock.now())
        yield WholeHouse(house, create_app(house))
    finally:
        store.close()
