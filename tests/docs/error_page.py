"""How the examples of the errors are tried and drawn, and what is answered when the server itself cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from errors import UNPROVOKED, WITHHELD_FROM
from example import Example, Scene, answer, begun, call, code, number, stable, table
from whole_house import RECEIVER, SENDER, Got, WholeHouse

from adapter.api.access_token import AccessTokens
from adapter.app import House, create_app
from adapter.config import signing_secret
from adapter.domain.scopes import Scopes
from adapter.smart_client import client_assertion
from adapter.storage import open_store
from adapter.use_cases.ports import WriteConflict
from mappings.json_codec import decode
from tests.consent.records import referral

Tree = dict[str, Any]

ANY_READ: Final = Example("", "GET Patient?_count=0")
ANY_WRITE: Final = Example("", "POST Patient", {"resourceType": "Patient"})
FAULTS: Final[Mapping[str, tuple[Example, Callable[[House], House]]]] = {
    "other writers kept changing the same resources": (
        ANY_WRITE, lambda house: _with_store(house, _Failing(house.store, WriteConflict("x")))),
    "too many requests of one client, or from one address": (
        Example("", ANY_READ.request, before=[ANY_READ]),
        lambda house: replace(house, settings=house.settings.model_copy(update={"client_rate": 1, "client_burst": 1}))),
    "a fault of ours; nothing was kept": (
        ANY_WRITE, lambda house: _with_store(house, _Failing(house.store, RuntimeError("x")))),
    "the database cannot take it now; nothing was kept": (ANY_WRITE, lambda house: _with_store(house, _nowhere())),
    "the database cannot be read now": (ANY_READ, lambda house: _with_store(house, _nowhere())),
}  # fmt: skip
"""When → a request, and what the house is then."""


class _Failing:
    """A store whose commits fail."""

    def __init__(self, store: Any, error: Exception):
        self._store = store
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, *_: object, **__: object) -> None:
        raise self._error


def _with_store(house: House, store: Any) -> House:
    return replace(house, world=replace(house.world, store=store))


def _nowhere() -> Any:
    """A store of a database that is not there."""
    return open_store("postgresql+psycopg://nobody@127.0.0.1:1/nothing")


def faulty(house: WholeHouse) -> list[tuple[str, Example, Got]]:
    """Each fault on an application of its own."""
    answers = []
    for when, (example, made) in FAULTS.items():
        broken = made(house.house)
        answers.append((when, example, Scene(WholeHouse(broken, create_app(broken)), MAKERS).tried(example)))
    return answers


def _order(scene: Scene) -> str:
    return str(scene.caller(SENDER).post("ServiceRequest", {
        "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"display": "x"}
    }).tree["id"])  # fmt: skip


def _created(type_: str, tree: Tree) -> Callable[[Scene], str]:
    return lambda scene: str(scene.caller(SENDER).post(type_, {"resourceType": type_, **tree}).tree["id"])


def _token(tenant: str, seconds: int) -> Callable[[Scene], str]:
    def made(scene: Scene) -> str:
        settings = scene.house.house.settings
        tokens = AccessTokens(signing_secret(settings), settings.fhir_url)
        return tokens.issue(tenant, Scopes.parse("system/*.cruds"), int(time.time()) - 3600 + seconds, 3600)

    return made


def _assertion(scene: Scene) -> str:
    settings = scene.house.house.settings
    key = decode((settings.demo_keys / f"{SENDER}.json").read_bytes())
    return client_assertion(SENDER, settings.token_url, key)


def _withheld(scene: Scene) -> str:
    """A handoff to WITHHELD_FROM whose Consent has ended since."""
    clinic = scene.caller("iop-program")
    sent = clinic.post("", referral(WITHHELD_FROM))
    assert sent.status == 200, sent.tree
    places = dict(place.split("/") for place in sent.located)
    ended = clinic.patch(f"Consent/{places['Consent']}", [{"op": "replace", "path": "/status", "value": "inactive"}])
    assert ended.status == 200, ended.tree
    return places["Task"]


def _known_with(name: str) -> Callable[[Scene], str]:
    def made(scene: Scene) -> str:
        begun(scene)
        return scene.named(name)

    return made


MAKERS: Final[Mapping[str, Callable[[Scene], str]]] = {
    "number": number,
    "patient": _created("Patient", {}),
    "order": _order,
    "draft": _created("Task", {
        "status": "draft", "intent": "order", "owner": {"reference": f"Organization/{RECEIVER}"},
        "requester": {"reference": f"Organization/{SENDER}"}}),
    "task": lambda scene: begun(scene).id,
    "request": _known_with("request"),
    "withheld": _withheld,
    "expired": _token(SENDER, -10),
    "stranger": _token("nobody", 300),
    "assertion": _assertion,
}  # fmt: skip


def tried(house: WholeHouse, parts: Mapping[str, Sequence[Example]]) -> dict[str, list[tuple[Example, Got]]]:
    return {part: [(each, Scene(house, MAKERS).tried(each)) for each in parts[part]] for part in parts}


def drawn(
    answers: Mapping[str, Iterable[tuple[Example, Got]]],
    tokens: Iterable[tuple[Example, Got]],
    faults: Iterable[tuple[str, Example, Got]],
    warnings: Iterable[tuple[Example, Got]],
) -> dict[str, str]:
    """Mark → Markdown."""
    pages = {part: _rows(examples) for part, examples in answers.items()}
    pages["tokens"] = table(
        ("when", "example", "answer", "text"),
        [(each.says, call(each), f"**{got.status}** {code(got.tree['error'])}", got.tree["error_description"])
         for each, got in tokens],
    )  # fmt: skip
    pages["warnings"] = table(
        ("when", "example", "answer", "code", "text"),
        [(each.says, call(each), answer(got, ()), code(issue["code"]), _said(issue))
         for each, got in warnings for issue in warned(got)],
    )  # fmt: skip
    pages["faults"] = table(
        ("when", "answer", "text"),
        [(when, answer(got), _said(got.issues[0])) for when, _, got in faults],
    )
    pages["unprovoked"] = table(
        ("status", "code", "when", "what to do", "shown by"),
        [(status, code(issue), when, then, f"`tests/{test}`") for status, issue, when, then, test in UNPROVOKED],
    )
    return pages


def _rows(examples: Iterable[tuple[Example, Got]]) -> str:
    return table(("when", "example", "code", "expression and text"), [_row(each, got) for each, got in examples])


def _row(example: Example, got: Got) -> tuple[str, str, str, str]:
    issues = [issue for issue in got.issues if issue["severity"] in {"error", "fatal"}]
    codes = "<br>".join(dict.fromkeys(code(issue["code"]) for issue in issues))
    said = [f"{code(issue['expression'][0])}: {_said(issue)}" if "expression" in issue else _said(issue)
            for issue in issues]  # fmt: skip
    more = "" if len(said) < 4 else f"<br>… and {len(said) - 3} more"
    return example.says, call(example), codes, "<br>".join(said[:3]) + more


def warned(got: Got) -> list[Tree]:
    """The warnings of an OperationOutcome, or of the one among the entries of a searchset."""
    trees = [got.tree, *(each["resource"] for each in got.tree.get("entry", ()))]
    outcomes = [tree for tree in trees if tree["resourceType"] == "OperationOutcome"]
    return [issue for outcome in outcomes for issue in outcome["issue"] if issue["severity"] == "warning"]


def _said(issue: Tree) -> str:
    return stable(issue["details"]["text"]).replace("|", "\\|").replace("<", "&lt;")
