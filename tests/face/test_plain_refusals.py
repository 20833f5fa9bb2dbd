"""A plain JSON sender is told what was expected and what was got at each member, in no library's words."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError
from whole_house import RECEIVER, Caller

from adapter.intake.refusals import in_our_words
from adapter.intake.schema import AnswerSchema, NewHandoffSchema

GOOD = {"recipient": RECEIVER, "person": {"identifier": {"value": "1"}, "family": "Testerly"}, "reason": "to be seen"}


@pytest.mark.parametrize(
    ("change", "member", "said"),
    [
        ({"reason": None}, "reason", "expected a value or no member at all, got null"),
        ({"reason": 1}, "reason", "expected a text, got something else"),
        ({"reason": ""}, "reason", "expected a length between 1 and 10000, got another"),
        ({"reason": " "}, "reason", "expected plain text, got something else"),
        ({"nonsense": 1}, "nonsense", "expected a member that /openapi.json names, got an unknown one"),
        ({"person": 1}, "person", "expected an object, got something else"),
        ({"person": {"family": "x"}}, "person.identifier", "expected a value, got none"),
        ({"person": GOOD["person"] | {"birth_date": "17.3.91"}}, "person.birth_date", "expected a date such as"),
        ({"person": GOOD["person"] | {"given": "x"}}, "person.given", "expected a list, got something else"),
        ({"priority": "soon"}, "priority", "expected one of asap, routine, stat, urgent; got another"),
        ({"acceptance_deadline": "2026-01-31T08:00:00"}, "acceptance_deadline", "expected a time with its zone"),
        ({"acceptance_deadline": "soon"}, "acceptance_deadline", "expected a time with its zone"),
        ({"recipient": "a b"}, "recipient", "expected an id of letters, digits, `-` and `.`, got something else"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_expected_and_got(sender: Caller, change: dict, member: str, said: str) -> None:
    got = sender.send("POST", "/handoffs", GOOD | change, headers={"Content-Type": "application/json"})
    assert got.status == 400
    (issue,) = got.issues
    assert issue["expression"] == [member]
    assert said in issue["details"]["text"]


@pytest.mark.parametrize("schema", [NewHandoffSchema, AnswerSchema])
def test_no_words_of_the_library_are_left(schema: type) -> None:
    for wrong in (None, 1, True, "", " ", "x" * 20_000, [], {}, [1] * 60, "\0"):
        with pytest.raises(ValidationError) as error:
            schema().load(dict.fromkeys(schema().fields, wrong))
        for text in texts(error.value.messages):
            assert in_our_words(text).startswith("expected "), text


def texts(messages):
    inner = messages.values() if isinstance(messages, dict) else messages
    return [messages] if isinstance(messages, str) else [text for each in inner for text in texts(each)]


def test_another_media_type_is_told_what_this_door_takes(sender: Caller) -> None:
    got = sender.send("POST", "/handoffs", raw=b"a=b", headers={"Content-Type": "text/plain"})
    assert (got.status, got.text) == (415, "expected Content-Type application/json, got another media type")
    got = sender.send("POST", "Task", raw=b"a=b", headers={"Content-Type": "text/plain"})
    assert "expected Content-Type application/fhir+json" in got.text
