"""A scenario: what partners do to each other, step by step, and what must come of it. Format: docs/scenarios.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HTTP_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ACTIONS = (*HTTP_VERBS, "wait-for-notification", "advance-clock", "partner")
_OPTIONS = {
    "step", "as", "send", "change", "headers", "request-id", "if-match", "at-once",
    "about", "since", "within", "becomes", "expect", "capture",
}  # fmt: skip
_EXPECTATIONS = {"status", "each-status", "headers", "body", "issues", "equal-answers", "times"}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_statuses(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_count(status) for status in value)


_TEXT = ("text", lambda value: isinstance(value, str))
_MAPPING = ("a mapping", lambda value: isinstance(value, dict))
_COUNT = ("a number from 1 on", _is_count)
_FORMS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "send": ("the name of a file, a resource, or a JSON Patch", lambda value: isinstance(value, (str, dict, list))),
    "change": _MAPPING, "headers": _MAPPING, "capture": _MAPPING, "expect": _MAPPING, "body": _MAPPING,
    "at-once": _COUNT, "times": _COUNT,
    "within": ("seconds", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)),
    "since": ("`start`", lambda value: value == "start"),
    "status": ("a status or a list of them", lambda value: _is_count(value) or _are_statuses(value)),
    "each-status": ("a list of statuses", _are_statuses),
    "equal-answers": ("true or false", lambda value: isinstance(value, bool)),
    "issues": ("a file, or a list of issues with their `code`", lambda value: isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(issue, dict) and "code" in issue for issue in value))),
}  # fmt: skip
"""How a value has to look, by its key; what is not here is text."""


class ScenarioError(Exception):
    """A script that cannot be played as it is written; says the file and the step."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """`issues` None = not asked; a list = exactly these issues, by code and expression."""

    status: tuple[int, ...] = ()
    each_status: tuple[int, ...] = ()
    """Of several sent at once: exactly these statuses, whoever got which."""
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    issues: tuple[Mapping[str, str], ...] | None = None
    equal_answers: bool = False
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `action` is one of ACTIONS and `target` what stands behind it (an address, a partner, a duration)."""

    number: int
    title: str
    action: str
    target: str
    actor: str | None = None
    send: Path | list[Any] | dict[str, Any] | None = None
    change: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    if_match: str | None = None
    at_once: int = 1
    about: str | None = None
    since_start: bool = False
    """Whether a notification from before the last change will do."""
    within: float = 0.0
    """Seconds in which the expectations must come true; 0 = at the first answer."""
    becomes: str = ""
    expect: Expectation = field(default_factory=Expectation)
    capture: Mapping[str, str] = field(default_factory=dict)

    @property
    def who(self) -> str:
        """Whom a line of the report names: the partner that acts or is acted on, the clock, or nobody."""
        if self.action in HTTP_VERBS:
            return self.actor or "nobody"
        return "clock" if self.action == "advance-clock" else self.target


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    pathway: str
    about: str
    folder: Path
    steps: Sequence[Step]


def scripts_in(paths: Iterable[Path]) -> list[Path]:
    """Every script.yaml at or below the paths, in a fixed order. Raises ScenarioError when a path holds none."""
    found: list[Path] = []
    for path in paths:
        scripts = [path] if path.is_file() else sorted(path.rglob("script.yaml"))
        if not scripts:
            raise ScenarioError(f"expected a script.yaml at or below `{path}`, found none")
        found += [script for script in scripts if script not in found]
    return found


def load(script: Path) -> Scenario:
    """Reads and checks one script. Raises ScenarioError naming the file and step; every file it sends must exist."""
    try:
        content = yaml.safe_load(script.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{script}: expected YAML: {error}") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{script}: expected YAML in UTF-8") from None
    if not isinstance(content, dict) or not content.get("title") or not isinstance(content.get("steps"), list):
        raise ScenarioError(f"{script}: expected `title` and a list of `steps`")
    _known(content, {"title", "pathway", "about", "steps"}, f"{script}")
    folder = script.parent
    steps = [_step(item, number, folder, f"{script}: step {number}") for number, item in enumerate(content["steps"], 1)]
    whole = folder.resolve()
    name = f"{whole.parent.name}/{whole.name}" if whole.parent.name != "sample_bundles" else whole.name
    return Scenario(
        name, str(content["title"]), str(content.get("pathway", "")), str(content.get("about", "")), folder, steps
    )


def _known(mapping: Mapping[str, Any], keys: set[str], where: str) -> None:
    unknown = sorted(set(mapping) - keys)
    if unknown:
        raise ScenarioError(f"{where}: expected only {', '.join(sorted(keys))}; got {', '.join(map(str, unknown))}")


def _shaped(mapping: Mapping[str, Any], where: str) -> None:
    for key, value in mapping.items():
        form, holds = _FORMS.get(key, _TEXT)
        if not holds(value):
            raise ScenarioError(f"{where}: expected `{key}` as {form}, got something else")


def _step(item: Any, number: int, folder: Path, where: str) -> Step:
    if not isinstance(item, dict) or "step" not in item:
        raise ScenarioError(f"{where}: expected `step: what happens, in a sentence`")
    _known(item, _OPTIONS | set(ACTIONS), where)
    _shaped(item, where)
    actions = [action for action in ACTIONS if action in item]
    if len(actions) != 1:
        raise ScenarioError(f"{where}: expected one of {', '.join(ACTIONS)}; got {', '.join(actions) or 'none'}")
    action = actions[0]
    if action in HTTP_VERBS and "as" not in item:
        raise ScenarioError(f"{where}: expected `as: PARTNER` (or `as: nobody`), who does this")
    expect = item.get("expect", {})
    _known(expect, _EXPECTATIONS, f"{where}: expect")
    _shaped(expect, f"{where}: expect")
    if action in HTTP_VERBS and not {"status", "each-status"} & set(expect):
        raise ScenarioError(f"{where}: expected `expect: status:`, a step without an expectation proves nothing")
    return Step(
        number=number,
        title=str(item["step"]),
        action=action,
        target=str(item[action]),
        actor=None if item.get("as") == "nobody" else item.get("as"),
        send=_content(item.get("send"), folder, where),
        change=item.get("change", {}),
        headers=item.get("headers", {}),
        request_id=item.get("request-id"),
        if_match=item.get("if-match"),
        at_once=int(item.get("at-once", 1)),
        about=item.get("about"),
        since_start=item.get("since") == "start",
        within=float(item.get("within", 10 if action == "wait-for-notification" else 0)),
        becomes=str(item.get("becomes", "")),
        expect=_expectation(expect, folder, where),
        capture=item.get("capture", {}),
    )


def _content(send: Any, folder: Path, where: str) -> Path | list[Any] | dict[str, Any] | None:
    if isinstance(send, str):
        return _file(send, folder, where)
    content: list[Any] | dict[str, Any] | None = send
    return content


def _file(name: str, folder: Path, where: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise ScenarioError(f"{where}: expected the file `{name}` beside the script, it does not exist")
    return path


def _expectation(expect: Mapping[str, Any], folder: Path, where: str) -> Expectation:
    status = expect.get("status", ())
    issues = expect.get("issues")
    if isinstance(issues, str):
        issues = _issues_of(_file(issues, folder, where), where)
    return Expectation(
        status=(status,) if isinstance(status, int) else tuple(status),
        each_status=tuple(expect.get("each-status", ())),
        headers=expect.get("headers", {}),
        body=expect.get("body", {}),
        issues=None if issues is None else tuple(issues),
        equal_answers=bool(expect.get("equal-answers", False)),
        times=expect.get("times"),
    )


def _issues_of(file: Path, where: str) -> list[dict[str, str]]:
    try:
        issues = json.loads(file.read_text(encoding="utf-8"))["issue"]
        return [_issue(issue) for issue in issues]
    except (ValueError, LookupError, TypeError):
        raise ScenarioError(f"{where}: expected an OperationOutcome in `{file.name}`, got something else") from None


def _issue(issue: Mapping[str, Any]) -> dict[str, str]:
    located = {"expression": issue["expression"][0]} if issue.get("expression") else {}
    return {"code": issue["code"], **located}
