"""The oracle sees a refusal that points elsewhere, repeats what was sent, or says nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from tests.mutants.mutation import CANARY, Change, Mutant, Named, Offset, Sent, Touched
from tests.mutants.oracle import Where, path_of, where
from tests.mutants.tally import FAILED, REFUSED, TAKEN, Tally, judge
from tests.whole_house import Got


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("Patient", ()),
        ("Bundle.entry[2].resource.name[0].family", ("entry", 2, "resource", "name", 0, "family")),
        ("Observation.value.ofType(Quantity).unit", ("valueQuantity", "unit")),
        ("Bundle.entry[7].resource.input.where(type.coding.code='x.y')", ("entry", 7, "resource", "input")),
        ("facts.access-needs[1]", ("facts", "access-needs", 1)),
        ("facts.…", ("facts",)),
    ],
)
def test_an_expression_is_read_as_a_path(expression: str, path: tuple[str | int, ...]) -> None:
    assert path_of(expression) == path


STATUS: Touched = ("entry", 3, "resource", "status")
FAMILY: Touched = ("entry", 3, "resource", "name", 0, "family")


NAMED = {"resourceType": "Patient", "status": "x", "name": [{"family": "Testerly"}]}
SENT = json.dumps({"type": "x", "entry": [{}, {}, {}, {"resource": NAMED, "request": {"url": "x"}}]}).encode()
"""Nothing is missing in it that is asked for below, but the intent and a tenth entry."""


@pytest.mark.parametrize(
    ("expression", "touched", "found"),
    [
        ("Bundle.entry[3].resource.status", STATUS, Where.AT),
        ("Bundle.entry[3].resource", STATUS, Where.AROUND),
        ("Bundle.entry[3].resource", ("entry", 3, "resource", "intent"), Where.AT),
        ("Bundle.entry[3].resource.status.x", STATUS, Where.AT),
        ("Bundle.entry[3].resource.name", FAMILY, Where.AROUND),
        ("Bundle.entry[3].resource", FAMILY, Where.AROUND),
        ("Bundle.entry[3]", STATUS, Where.ELSEWHERE),
        ("Bundle.entry", STATUS, Where.ELSEWHERE),
        ("Bundle", STATUS, Where.ELSEWHERE),
        ("Bundle.entry[2].resource.status", STATUS, Where.ELSEWHERE),
        ("Bundle.entry[3].resource.intent", STATUS, Where.ELSEWHERE),
        ("Bundle", ("type",), Where.AROUND),
        ("Bundle.entry", ("entry", 9), Where.AT),
        ("Bundle.entry[3]", ("entry", 3, "request", "url"), Where.AROUND),
        ("Patient.value", ("valueString",), Where.AT),
        ("Patient.birthDate", ("_birthDate",), Where.AT),
        ("http.If-Match", Named("If-Match"), Where.AT),
        ("Task.owner", Named("owner:Patient.name"), Where.AT),
        ("Task", Named("If-Match"), Where.ELSEWHERE),
        (None, STATUS, Where.NOWHERE),
        (None, Offset(4), Where.NOWHERE),
    ],
)
def test_where_a_refusal_points(expression: str | None, touched: Touched, found: Where) -> None:
    issue: dict[str, Any] = {"details": {"text": "x"}, **({"expression": [expression]} if expression else {})}
    assert where([issue], [touched], SENT) is found


def test_what_is_no_json_is_found_by_a_position_that_is_not_before_it() -> None:
    raw = b'{"a":\n  "b" "c"}'
    located = {"details": {"text": "expected `,` at line 2 column 7"}}
    assert where([located], [Offset(12)], raw) is Where.AT
    assert where([located], [Offset(15)], raw) is Where.ELSEWHERE


def test_the_best_of_several_issues_counts() -> None:
    issues = [{"details": {"text": "x"}, "expression": [e]} for e in ("Bundle", "Bundle.entry[3].resource.status")]
    assert where(issues, [STATUS]) is Where.AT


def answer(status: int, text: str = "expected a code", code: str = "value", **more: Any) -> Got:
    issue = {"severity": "error", "code": code, "details": {"text": text}, "expression": ["Patient.gender"], **more}
    tree = {"resourceType": "OperationOutcome", "issue": [issue]} if status >= 400 else {"resourceType": "Patient"}
    return Got(status, Headers(), json.dumps(tree).encode())


RAW = b'{"resourceType":"Patient","gender":"Zanzibarella","name":[{"family":"Testerly"}]}'
MUTANT = Mutant("an unknown code", Sent("POST", "Patient", "x", raw=RAW), Change((("gender",),)))


@pytest.mark.parametrize(
    ("got", "outcome", "faults"),
    [
        (answer(400), REFUSED, 0),
        (answer(201), TAKEN, 0),
        (answer(500), FAILED, 1),
        (answer(400, f"got {CANARY}"), REFUSED, 1),
        (answer(400, "got Testerly"), REFUSED, 1),
        (answer(400, diagnostics="Testerly"), REFUSED, 1),
        (answer(400, " "), REFUSED, 1),
        (answer(400, code="exception"), REFUSED, 1),
        (Got(404, Headers(), b"<html>"), REFUSED, 1),
    ],
)
def test_what_an_answer_must_never_be_is_seen(got: Got, outcome: str, faults: int) -> None:
    verdict = judge(MUTANT, got)
    assert (verdict.outcome, len(verdict.faults)) == (outcome, faults)


def test_what_r4_forbids_and_is_taken_is_a_hole_and_what_points_elsewhere_lowers_the_share() -> None:
    tally = Tally()
    tally.count(MUTANT, answer(201))
    tally.count(MUTANT, answer(400))
    tally.count(MUTANT, answer(400, expression=["Patient.name"]))
    assert (len(tally.holes), tally.share) == (1, 0.5)
