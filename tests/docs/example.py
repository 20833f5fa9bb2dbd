"""An example of the documentation: names in braces, tried on the real application, shown with what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from whole_house import SENDER, Begun, Caller, Got, WholeHouse

Tree = dict[str, Any]

SHOWN_HEADERS: Final = ("Location", "Content-Location", "ETag", "Last-Modified", "Allow", "WWW-Authenticate",
                        "Retry-After", "Preference-Applied", "Content-Encoding")  # fmt: skip
_USUAL: Final = {("Content-Type", "application/fhir+json"), ("Content-Type", "application/json-patch+json")}
_NAME: Final = re.compile(r"\{([a-z][a-z-]*)\}")
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DAY: Final = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")


@dataclass(frozen=True)
class Example:
    """`request` is `METHOD address`, below the FHIR base unless it begins with a slash. `{patient}`, `{task}` and the
    like, in the request, its headers and its body, stand for the ids that `Scene` gives them. `body` is a tree, a list
    (a JSON Patch), or text or bytes that are sent as they are. `before` are requests that come first."""

    says: str
    request: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    who: str | None = SENDER
    scopes: str = "system/*.cruds"
    before: Sequence[Example] = ()
    shows: str | None = None
    """In the place of the body, when that is too long to be shown."""
    varies: bool = False
    """How many are found depends on the day."""

    @property
    def method(self) -> str:
        return self.request.partition(" ")[0]

    @property
    def address(self) -> str:
        path = self.request.partition(" ")[2]
        return path if path.startswith("/") else f"/fhir/{path}".rstrip("/")


class Scene:
    """What an example is tried on: resources of its own, each made when it is first named."""

    def __init__(self, house: WholeHouse, makers: Mapping[str, Callable[[Scene], str]]):
        self.house = house
        self._makers = makers
        self._known: dict[str, str] = {}

    def caller(self, who: str | None, scopes: str = "system/*.cruds") -> Caller:
        return self.house.nobody if who is None else self.house.caller(who, scopes)

    def named(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = self._makers[name](self)
        return self._known[name]

    def know(self, **values: str) -> None:
        self._known.update(values)

    def filled(self, text: str) -> str:
        return _NAME.sub(lambda match: self.named(match[1]), text)

    def tried(self, example: Example) -> Got:
        for step in example.before:
            got = self.tried(step)
            assert got.status < 300, (step.request, got.raw)
        headers = {name: self.filled(value) for name, value in example.headers.items()}
        body = example.body
        if isinstance(body, bytes) or body is None:
            raw = body
        else:
            raw = self.filled(body if isinstance(body, str) else _written(body)).encode()
        if raw is not None and "Content-Type" not in headers:
            kind = "application/json-patch+json" if isinstance(body, list) else "application/fhir+json"
            headers["Content-Type"] = kind
        caller = self.caller(example.who, example.scopes)
        return caller.send(example.method, self.filled(example.address), raw=raw, headers=headers)


def _written(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False)


def begun(scene: Scene) -> Begun:
    """A requested handoff; its `Task`, `ServiceRequest` and `Patient` are known from then on."""
    made = scene.house.begin()
    scene.know(task=made.id, request=made.request.partition("/")[2], person=made.patient.partition("/")[2])
    return made


def number(_: Scene) -> str:
    return uuid4().hex


# How they are shown


def call(example: Example) -> str:
    """The request as a reader would type it: one line for each of request, headers and body."""
    lines = [f"{example.method} {example.address}"]
    lines += [f"{name}: {value}" for name, value in example.headers.items() if (name, value) not in _USUAL]
    if example.body:
        lines.append(example.shows or (example.body if isinstance(example.body, str) else _written(example.body)))
    shown = [code(line) for line in lines]
    if example.who is None:
        shown[0] += " (open)"
    elif example.who != SENDER:
        shown[0] += f" (as {example.who})"
    return "<br>".join(shown)


def answer(got: Got, headers: Sequence[str] = SHOWN_HEADERS, *, varies: bool = False) -> str:
    """Status, telling headers and the form of the body, without what is different each time."""
    shown = [f"**{got.status}**", form(got, varies=varies)]
    shown += [code(f"{name}: {stable(got.headers[name])}") for name in headers if name in got.headers]
    return "<br>".join(part for part in shown if part)


def form(got: Got, *, varies: bool = False) -> str:
    """`Task`, `Bundle searchset of 2`, the issue of an OperationOutcome, the members of plain JSON."""
    tree = got.tree
    if not isinstance(tree, dict):
        kind = (got.headers.get("Content-Type") or "").partition(";")[0]
        return code(kind) if got.raw else ""
    type_ = tree.get("resourceType")
    if type_ == "Bundle" and varies:
        return f"{code('Bundle')} {tree['type']}"
    if type_ == "Bundle":
        total = f", total {tree['total']}" if "total" in tree else ""
        return f"{code('Bundle')} {tree['type']} of {len(tree.get('entry', ()))}{total}"
    if type_ == "OperationOutcome":
        return f"{code('OperationOutcome')} {tree['issue'][0]['code']}"
    return code(type_) if type_ else ", ".join(code(name) for name in tree)


def stable(text: str) -> str:
    """Without ids and times."""
    text = _ID.sub("…", text).replace("http://127.0.0.1:8080", "")
    return _DAY.sub("…", text)


def code(text: str) -> str:
    """As code in a cell of a table."""
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)
