"""What can be said of a script before it is played: a typing error must not pass as a step that was skipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from adapter.testkit.checks import OPERATORS
from adapter.testkit.paths import find
from adapter.testkit.scenario import HTTP_VERBS, Scenario, ScenarioError, Step, load
from adapter.testkit.simulators import BEHAVIOURS
from adapter.testkit.templates import duration, is_made, placeholders


def load_checked(script: Path) -> Scenario:
    """As `load`, and every placeholder, path, pattern and duration in it can be used. Raises ScenarioError."""
    scenario = load(script)
    captured: set[str] = set()
    for step in scenario.steps:
        where = f"{script}: step {step.number}"
        for name in _placeholders(step, where):
            if not is_made(name) and name.partition(".")[0] not in captured:
                raise ScenarioError(f"{where}: expected `{{{{{name}}}}}` to be captured by an earlier step, it is not")
        _usable(step, where)
        captured |= set(step.capture)
    return scenario


def _placeholders(step: Step, where: str) -> Iterator[str]:
    expect = step.expect
    values: list[Any] = [step.target, step.headers, step.request_id, step.if_match, step.about, step.change]
    yield from placeholders([*values, expect.headers, expect.body, *(expect.issues or ())])
    try:
        content = step.send.read_text(encoding="utf-8") if isinstance(step.send, Path) else step.send
    except UnicodeDecodeError:
        raise ScenarioError(f"{where}: expected the file that is sent in UTF-8") from None
    yield from placeholders(content)


def _usable(step: Step, where: str) -> None:
    if step.action == "advance-clock":
        _tried(duration, step.target, where)
    if step.action == "partner" and step.becomes.partition(" ")[0] not in BEHAVIOURS:
        raise ScenarioError(f"{where}: expected `becomes` as one of {', '.join(BEHAVIOURS)}, got another")
    if step.action in HTTP_VERBS and re.match(r"[a-z]+://", step.target):
        raise ScenarioError(f"{where}: expected an address below the FHIR base, such as `Task`, got a whole one")
    for path, wanted in step.expect.body.items():
        if "{{" not in path:
            _tried(lambda text: find({}, text), path, where)
        _comparable(path, wanted, where)
    for name, wanted in step.expect.headers.items():
        _comparable(name, wanted, where)
    for path in step.change:
        _tried(lambda text: find({}, text), path, where)
    for path in step.capture.values():
        if not str(path).startswith("header "):
            _tried(lambda text: find({}, text), str(path), where)


def _comparable(what: str, wanted: Any, where: str) -> None:
    if not isinstance(wanted, Mapping):
        return
    if len(wanted) != 1 or next(iter(wanted)) not in OPERATORS:
        raise ScenarioError(f"{where}: expected one of {', '.join(OPERATORS)} for `{what}`, got something else")
    pattern = wanted.get("matches")
    if pattern is not None and "{{" not in str(pattern):
        try:
            re.compile(str(pattern))
        except re.error as error:
            raise ScenarioError(f"{where}: expected a regular expression for `{what}`: {error}") from None


def _tried(use: Callable[[str], object], text: str, where: str) -> None:
    try:
        use(text)
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from None
