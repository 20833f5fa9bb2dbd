"""What marshmallow finds wrong, in the words of every other refusal: what was expected, and what was got."""

from __future__ import annotations

import re
from typing import Final

_WHOLE: Final = {
    "Missing data for required field.": "expected a value, got none",
    "Unknown field.": "expected a member that /openapi.json names, got an unknown one",
    "Field may not be null.": "expected a value or no member at all, got null",
    "Invalid input type.": "expected an object, got something else",
    "Not a valid date.": "expected a date such as 2026-01-31, got something else",
    "Not a valid datetime.": "expected a time with its zone such as 2026-01-31T08:00:00Z, got something else",
    "Not a valid aware datetime.": "expected a time with its zone such as 2026-01-31T08:00:00Z, got one without",
    "Not a valid boolean.": "expected true or false without quotes, got something else",
    "Not a valid string.": "expected a text, got something else",
    "Not a valid list.": "expected a list, got something else",
}
_FORMS: Final = (
    (re.compile(r"Must be one of: (.+)\."), r"expected one of \1; got another"),
    (re.compile(r"Not (.+)\."), r"expected \1, got something else"),
    (re.compile(r"Length must be (between .+)\."), r"expected a length \1, got another"),
    (re.compile(r"Shorter than minimum length (.+)\."), r"expected a length of at least \1, got a shorter one"),
    (re.compile(r"Longer than maximum length (.+)\."), r"expected a length of at most \1, got a longer one"),
)
REQUIRED: Final = _WHOLE["Missing data for required field."]


def in_our_words(message: str) -> str:
    """It never repeats what was sent, nor does this. What has no other words yet is told as it is."""
    if message in _WHOLE:
        return _WHOLE[message]
    for form, words in _FORMS:
        if found := form.fullmatch(message):
            return found.expand(words)
    return message
