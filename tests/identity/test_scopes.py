"""Scopes: a table of what is asked, what is registered and what is granted."""

from __future__ import annotations

import pytest

from adapter.domain.errors import NotAllowed
from adapter.domain.scopes import INTERACTIONS, Scopes

GRANTS = [
    # asked, registered, granted
    ("system/*.cruds", "system/*.cruds", "system/*.cruds"),
    ("system/*.cruds", "system/Task.cru", "system/Task.cru"),
    ("system/Task.rs", "system/*.cruds", "system/Task.rs"),
    ("system/*.rs", "system/Task.cruds system/Patient.c", "system/Task.rs"),
    ("system/Task.cu system/Task.d", "system/Task.uds", "system/Task.ud"),
    ("system/Task.c system/*.r", "system/*.c system/Task.r", "system/Task.cr"),
    ("system/Task.read", "system/*.cruds", "system/Task.rs"),
    ("system/Task.write", "system/*.cruds", "system/Task.cud"),
    ("system/*.*", "system/*.read", "system/*.rs"),
    ("system/Patient.r", "system/Task.cruds", ""),
    ("patient/*.cruds user/Task.r openid launch", "system/*.cruds", ""),
    ("system/Task.r?status=requested", "system/*.cruds", ""),
    ("system/Task.rc system/task.r system/Task. system/.r Task.r", "system/*.cruds", ""),
]


@pytest.mark.parametrize(("asked", "registered", "granted"), GRANTS)
def test_what_is_granted_is_what_both_hold(asked: str, registered: str, granted: str) -> None:
    assert str(Scopes.requested(asked) & Scopes.parse(registered)) == granted
    assert str(Scopes.parse(registered) & Scopes.requested(asked)) == granted


@pytest.mark.parametrize("interaction", INTERACTIONS)
@pytest.mark.parametrize("letter", "cruds")
@pytest.mark.parametrize("type", ["*", "Task", "Patient"])
def test_an_interaction_needs_its_letter_for_its_type(interaction: str, letter: str, type: str) -> None:
    scopes = Scopes.parse(f"system/{type}.{letter}")
    allowed = INTERACTIONS[interaction] == letter and type != "Patient"
    assert scopes.allow("Task", interaction) is allowed
    if not allowed:
        with pytest.raises(NotAllowed, match=rf"`system/Task\.{INTERACTIONS[interaction]}`"):
            scopes.require("Task", interaction)


@pytest.mark.parametrize(
    "wrong", ["system/Task", "system/Task.", "system/Task.sr", "patient/Task.r", "", "system/*.*s"]
)
def test_a_registered_scope_that_means_nothing_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="expected a scope like"):
        Scopes.parse([wrong])
