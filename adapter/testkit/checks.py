"""Compares an answer with what a step expects; each comparison is one `Check` with expected and got."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapter.testkit.paths import find
from adapter.testkit.scenario import Expectation

PRESENT, ABSENT = "present", "absent"
OPERATORS = ("equals", "not", "contains", "matches", "count")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is the decoded JSON, or None when there was none."""

    status: int
    headers: Mapping[str, str]
    body: Any
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    expected: str
    got: str
    ok: bool


def checks(expect: Expectation, answer: Answer) -> Iterator[Check]:
    if expect.status:
        wanted = " or ".join(str(status) for status in expect.status)
        got = str(answer.status) + ("" if answer.status in expect.status else _why(answer.body))
        yield Check("status", wanted, got, answer.status in expect.status)
    for name, wanted in expect.headers.items():
        value = answer.headers.get(name)
        yield _check(name, wanted, [] if value is None else [value])
    for path, wanted in expect.body.items():
        yield _check(path, wanted, find(answer.body, path))
    if expect.issues is not None:
        yield _issues(expect.issues, answer.body)


def _why(body: Any) -> str:
    """The refusal in the server's own words, so that a failed line explains itself."""
    issues = find(body, "OperationOutcome.issue")
    return "".join(
        f" [{issue.get('code')} at {(issue.get('expression') or ['-'])[0]}: "
        f"{issue.get('diagnostics') or (issue.get('details') or {}).get('text')}]"
        for issue in issues[:3]
    )


def _issues(expected: tuple[Mapping[str, str], ...], body: Any) -> Check:
    """Exactly these faults in any order, each with a text that says what to do; `expression` only where it is asked."""
    issues = find(body, "OperationOutcome.issue")
    unclaimed = [(str(issue.get("code")), str((issue.get("expression") or [""])[0])) for issue in issues]
    got = "; ".join(_located(code, where) for code, where in unclaimed) or "no OperationOutcome"
    missing = 0
    for issue in sorted(expected, key=lambda issue: "expression" not in issue):
        code, where = issue["code"], issue.get("expression")
        claimed = next((found for found in unclaimed if found[0] == code and where in (None, found[1])), None)
        missing += claimed is None
        if claimed is not None:
            unclaimed.remove(claimed)
    silent = sum(not (i.get("diagnostics") or (i.get("details") or {}).get("text")) for i in issues)
    wanted = "; ".join(_located(issue["code"], issue.get("expression", "")) for issue in expected)
    said = f"{got} ({silent} without text)" if silent else got
    return Check("issues", wanted, said, not (missing or unclaimed or silent))


def _located(code: str, where: str) -> str:
    return f"{code} at {where}" if where else code


def _check(what: str, wanted: Any, found: list[Any]) -> Check:
    if wanted == PRESENT:
        return Check(what, "present", "present" if found else "absent", bool(found))
    if wanted == ABSENT:
        return Check(what, "absent", _text(found) if found else "absent", not found)
    operator, value = next(iter(wanted.items())) if isinstance(wanted, Mapping) else ("equals", wanted)
    if operator not in OPERATORS:
        raise ValueError(f"expected one of {', '.join(OPERATORS)} for `{what}`, got `{operator}`")
    if operator == "count":
        return Check(what, f"{value} of them", f"{len(found)} of them", len(found) == int(value))
    if operator == "not":
        return Check(what, f"not {value}", _text(found), bool(found) and not any(same(item, value) for item in found))
    if operator == "contains":
        return Check(what, f"…{value}…", _text(found), any(str(value) in str(item) for item in found))
    if operator == "matches":
        ok = any(re.fullmatch(str(value), str(item)) for item in found)
        return Check(what, f"like {value}", _text(found), ok)
    return Check(what, str(value), _text(found), any(same(item, value) for item in found))


def same(found: Any, expected: Any) -> bool:
    """Equal as FHIR values: a boolean is no text, `1.50` is 1.5, anything else by its letters."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    numbers = (int, float, Decimal)
    if isinstance(found, numbers) and isinstance(expected, numbers):
        return Decimal(str(found)) == Decimal(str(expected))
    return str(found) == str(expected)


def _text(found: list[Any]) -> str:
    if not found:
        return "absent"
    shown = ", ".join("{…}" if isinstance(item, (dict, list)) else str(item) for item in found[:6])
    return shown if len(found) <= 6 else f"{shown}, … ({len(found)})"
