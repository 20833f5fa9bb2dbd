"""docs/api/errors.md: each error has a request that provokes it, and no error that the code raises is missing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import error_page
import errors
import pytest
from example import Example
from whole_house import Got, WholeHouse

from adapter.api.operation_outcome import STATUS
from adapter.domain import errors as domain

ROOT = Path(__file__).parents[2]
CLASSES: Final = {kind.__name__: kind for kind in STATUS}
ISSUE_TYPES: Final = frozenset({
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled",
})  # fmt: skip
"""https://hl7.org/fhir/R4/valueset-issue-type.html"""
NOT_OVER_HTTP: Final = (
    "adapter/partners/", "adapter/demo_partners.py", "adapter/use_cases/register_partner.py",
    "mappings/organization.py",
    "adapter/storage/embedded_postgres.py", "adapter/storage/partner_register.py", "adapter/delivery/outbound.py",
    "adapter/api/client_assertion.py",
)  # fmt: skip
"""What is told to an operator at the command line, to the delivery, or as an OAuth error."""
CODES_FIRST: Final = {
    "adapter/validation/": domain.Invalid, "mappings/fhirpath_patch.py": domain.Invalid,
    "mappings/subscription.py": domain.BusinessRule,
}  # fmt: skip
"""Where a fault is a tuple or a call that begins with its code, and what it becomes."""


@pytest.fixture(scope="module")
def answers(house: WholeHouse) -> dict[str, list[tuple[Example, Got]]]:
    return error_page.tried(house, errors.PARTS)


@pytest.fixture(scope="module")
def faults(house: WholeHouse) -> list[tuple[str, Example, Got]]:
    return error_page.faulty(house)


def test_the_page_says_what_is_answered(
    house: WholeHouse,
    answers: dict[str, list[tuple[Example, Got]]],
    faults: list[tuple[str, Example, Got]],
    hold_against: Callable[[str, Mapping[str, str]], None],
) -> None:
    wrong = [
        (e.says, got.status, got.raw[:400])
        for part, all in answers.items()
        for e, got in all
        if part[:3] != str(got.status)
    ]
    assert not wrong, "\n".join(map(str, wrong))
    assert [got.status for _, _, got in faults] == [409, 429, 500, 503, 503]
    tokens = error_page.tried(house, {"tokens": errors.TOKENS})["tokens"]
    assert {got.status for _, got in tokens} == {400}
    warnings = error_page.tried(house, {"warnings": errors.WARNINGS})["warnings"]
    assert [error_page.warned(got)[0]["code"] for _, got in warnings] == ["not-supported", "suppressed", "not-found"]
    hold_against("errors.md", error_page.drawn(answers, tokens, faults, warnings))


def test_no_error_that_is_raised_is_missing(
    answers: dict[str, list[tuple[Example, Got]]], faults: list[tuple[str, Example, Got]]
) -> None:
    shown = {(got.status, issue["code"]) for all in answers.values() for _, got in all for issue in got.issues}
    shown |= {(got.status, got.code) for _, _, got in faults}
    shown |= {(int(status), code) for status, code, *_ in errors.UNPROVOKED}
    missing = {(status, code): where for status, code, where in _raised() if (status, code) not in shown}
    assert missing == {}, "give each an example in tests/docs/errors.py and run `make docs`"


def test_every_status_of_the_table_is_shown() -> None:
    shown = {int(part[:3]) for part in errors.PARTS} | {int(status) for status, *_ in errors.UNPROVOKED}
    assert set(STATUS.values()) - shown - {409, 429} == set(), "those two are among the faults"


def test_what_it_takes_many_requests_for_is_tested_where_the_page_says() -> None:
    assert all((ROOT / "tests" / test).is_file() for *_, test in errors.UNPROVOKED)


def _raised() -> Iterator[tuple[int, str, str]]:
    """(status, code, where) of every refusal that is made in the code."""
    for file in [*(ROOT / "adapter").rglob("*.py"), *(ROOT / "mappings").rglob("*.py")]:
        name = file.relative_to(ROOT).as_posix()
        if name.startswith(NOT_OVER_HTTP):
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (kind := CLASSES.get(_called(node))) is not None:
                code = _code(node, kind)
                if code is not None:
                    yield STATUS[kind], code, f"{name}:{node.lineno}"
        for kind in (kind for room, kind in CODES_FIRST.items() if name.startswith(room)):
            for node in ast.walk(tree):
                if (first := _first(node)) in ISSUE_TYPES - {"business-rule"}:
                    yield STATUS[kind], str(first), f"{name}:{getattr(node, 'lineno', 0)}"


def _first(node: ast.AST) -> object:
    """What a tuple or the arguments of a call begin with, if that is a constant."""
    is_call = isinstance(node, ast.Call) and _called(node) != "get"
    items = node.elts if isinstance(node, ast.Tuple) else node.args if is_call else []  # type: ignore[attr-defined]
    return items[0].value if items and isinstance(items[0], ast.Constant) else None


def _called(node: ast.Call) -> str:
    function: Any = node.func
    return str(getattr(function, "id", getattr(function, "attr", "")))


def _code(node: ast.Call, kind: type[domain.HandoffError]) -> str | None:
    """Of the call itself; None where it is made of issues, whose codes are found where those are made."""
    stated = next((keyword.value for keyword in node.keywords if keyword.arg == "code"), None)
    if isinstance(stated, ast.Constant):
        return str(stated.value)
    of_issues = bool(node.args) and (
        isinstance(node.args[0], ast.List | ast.ListComp | ast.Call)
        or (isinstance(node.args[0], ast.Name) and node.args[0].id in {"issues", "errors"})
    )
    return None if stated is not None or of_issues else kind.default_code
