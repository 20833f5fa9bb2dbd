"""What a tester may write to point into an answer, and when a comparison holds."""

from decimal import Decimal

import pytest

from adapter.testkit.checks import Answer, checks, same
from adapter.testkit.paths import assign, find
from adapter.testkit.scenario import Expectation

TASK = {
    "resourceType": "Task",
    "status": "requested",
    "output": [
        {"type": {"coding": [{"code": "a"}]}, "valueString": "one"},
        {"type": {"coding": [{"code": "b"}]}, "valueString": "two"},
    ],
    "extension": [{"url": "https://handoff.example/fhir/x", "valueCode": "y"}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Task", [TASK]),
        ("Task.status", ["requested"]),
        ("status", ["requested"]),
        ("Patient.status", []),
        ("output.valueString", ["one", "two"]),
        ("output[1].valueString", ["two"]),
        ("output[2].valueString", []),
        ("output.where(type.coding.code='b').valueString", ["two"]),
        ("extension.where(url='https://handoff.example/fhir/x').valueCode", ["y"]),
        ("status.nothing", []),
    ],
)
def test_a_path_finds_what_it_points_at(path, found):
    assert find(TASK, path) == found


@pytest.mark.parametrize("path", ["", "a..b", "a[", "a.", "a b", "where(x)"])
def test_a_path_that_is_none_is_named(path):
    with pytest.raises(ValueError, match="expected a path"):
        find(TASK, path)


def test_a_change_sets_appends_and_removes_one_element():
    tree = {"entry": [{"resource": {"status": "a"}}]}
    assign(tree, "entry[0].resource.status", "b")
    assign(tree, "entry[1]", {"resource": {}})
    assign(tree, "entry[0].resource.status", None)
    assert tree == {"entry": [{"resource": {}}, {"resource": {}}]}


@pytest.mark.parametrize(
    ("found", "expected", "equal"),
    [
        (Decimal("1.50"), 1.5, True),
        (True, True, True),
        (True, "True", False),
        ("true", True, False),
        (1, True, False),
        ("2.0", "2.0", True),
    ],
)
def test_values_are_equal_as_fhir_has_them(found, expected, equal):
    assert same(found, expected) is equal


def verdict(expect, status=200, headers=None, body=None):
    return [check.ok for check in checks(expect, Answer(status, headers or {}, body))]


@pytest.mark.parametrize(
    ("wanted", "ok"),
    [
        ("requested", True),
        ("accepted", False),
        ("present", True),
        ("absent", False),
        ({"not": "accepted"}, True),
        ({"not": "requested"}, False),
        ({"contains": "quest"}, True),
        ({"matches": "req.*"}, True),
        ({"matches": "req"}, False),
        ({"count": 1}, True),
        ({"count": 2}, False),
    ],
)
def test_each_way_to_expect_can_hold_and_can_fail(wanted, ok):
    assert verdict(Expectation(body={"Task.status": wanted}), body=TASK) == [ok]


def test_not_needs_something_to_be_there():
    assert verdict(Expectation(body={"Task.missing": {"not": "x"}}), body=TASK) == [False]


def test_a_status_and_a_header_are_compared():
    assert verdict(Expectation(status=(200, 201)), status=201) == [True]
    assert verdict(Expectation(status=(200,)), status=422) == [False]
    assert verdict(Expectation(headers={"ETag": "present"}), headers={"ETag": 'W/"1"'}) == [True]
    assert verdict(Expectation(headers={"ETag": "present"})) == [False]


def outcome(*issues):
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {"code": code, "expression": [where], "diagnostics": "expected this, got that"} for code, where in issues
        ],
    }


def test_issues_must_be_exactly_those_expected():
    expect = Expectation(issues=({"code": "value", "expression": "A.b"}, {"code": "value"}))
    assert verdict(expect, body=outcome(("value", "A.b"), ("value", "C.d"))) == [True]
    assert verdict(expect, body=outcome(("value", "C.d"), ("value", "A.b"))) == [True]
    assert verdict(expect, body=outcome(("value", "A.b"))) == [False]
    assert verdict(expect, body=outcome(("value", "A.b"), ("value", "C.d"), ("value", "E.f"))) == [False]
    assert verdict(expect, body=outcome(("value", "X"), ("value", "Y"))) == [False]
    assert verdict(expect, body=None) == [False]


def test_an_issue_without_a_text_is_not_good_enough():
    silent = {"resourceType": "OperationOutcome", "issue": [{"code": "value", "expression": ["A.b"]}]}
    assert verdict(Expectation(issues=({"code": "value"},)), body=silent) == [False]
