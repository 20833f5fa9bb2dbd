"""What the documentation says about lifecycle and pathways is drawn from the tables, and says the same.

To draw it again after a change: `python -m tests.pathways.test_drawn_docs` in the project's root.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapter.domain.facts import CATALOGUE
from adapter.domain.pathway_text import describe, draw_actions, draw_facts, duration_text
from adapter.domain.task_status import STATUSES, draw_diagram, draw_table
from adapter.pathways import load_pathways

DOCS = Path(__file__).parents[2] / "docs"
DRAWN = {
    "lifecycle.md": {"table": draw_table(), "diagram": draw_diagram(), "actions": draw_actions()},
    "pathways.md": {"facts": draw_facts(), "pathways": "\n\n".join(map(describe, load_pathways().values()))},
}


def drawn_again(page: str) -> str:
    """The page with what stands between its marks replaced by what the tables say."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, drawing in DRAWN[page].items():
        marks = re.compile(rf"(^(?:<!--|%%) drawn: {name}\b[^\n]*\n).*?(^(?:<!--|%%) /drawn)", re.DOTALL | re.MULTILINE)
        text, count = marks.subn(lambda mark, drawing=drawing: f"{mark[1]}{drawing}\n{mark[2]}", text)  # type: ignore[misc]
        assert count == 1, f"{page} must hold the marks of `{name}` once"
    return text


@pytest.mark.parametrize("page", DRAWN)
def test_the_page_says_what_the_tables_say(page: str) -> None:
    assert (DOCS / page).read_text(encoding="utf-8") == drawn_again(page)


def test_the_diagram_shows_every_status() -> None:
    assert all(status.replace("-", "_") in draw_diagram() for status in STATUSES)


def test_every_fact_has_its_row() -> None:
    assert all(f"| `{code}` |" in draw_facts() for code in CATALOGUE)


def test_durations_read_as_people_say_them() -> None:
    from datetime import timedelta

    said = [duration_text(timedelta(minutes=minutes), "at once") for minutes in (0, 1, 30, 60, 90, 2880, 10080)]
    assert said == ["at once", "1 minute", "30 minutes", "1 hour", "90 minutes", "48 hours", "7 days"]


if __name__ == "__main__":
    for changed in DRAWN:
        (DOCS / changed).write_text(drawn_again(changed), encoding="utf-8")
