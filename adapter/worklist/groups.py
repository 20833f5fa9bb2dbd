"""The worklist as three groups: what waits for us, what was given back to us, what waits for others.

The most urgent comes first. A group is shown page by page, so that nothing open is out of reach; its numbers count all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from adapter.domain.errors import Invalid
from adapter.domain.handoff import Handoff
from adapter.domain.responsibility import ACTIONS
from adapter.domain.task_status import TERMINAL
from mappings.evidence_sections import Cell, time_left

LINES: Final = 50
"""So many lines has a page of a group."""
RETURNED_FOR: Final = timedelta(days=14)
"""So long a handoff that was rejected or failed stays on the initiator's list: nobody else holds the person."""


@dataclass(frozen=True, slots=True)
class Line:
    """One handoff of the worklist, ready to be shown."""

    handoff: Handoff
    person: str
    time_left: Cell
    is_overdue: bool

    @property
    def action(self) -> str:
        """What is to be done; who holds the person meanwhile stands in a column of its own."""
        action = self.handoff.next_action
        return ACTIONS.get(action.code, action.code).partition(";")[0].rstrip(".") if action else ""


@dataclass(frozen=True, slots=True)
class Group:
    """One page of a group: `handoffs` out of `count`, of which `overdue` are overdue. `pages_of`: group → its page."""

    code: str
    title: str
    nothing: str
    handoffs: Sequence[Handoff]
    count: int
    overdue: int
    pages_of: Mapping[str, int]

    @property
    def page(self) -> int:
        return self.pages_of[self.code]

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // LINES))

    def address_of(self, page: int) -> str:
        """Of another page of this group, with the other groups as they are."""
        wanted = {code: number for code, number in {**self.pages_of, self.code: page}.items() if number > 1}
        return f"/?{urlencode(wanted)}#{self.code}" if wanted else f"/#{self.code}"


_GROUPS: Final = (
    ("ours", "Waiting for us", "Nothing waits for us."),
    (
        "returned",
        "Given back to us: decide what comes next",
        f"Nobody was, in the last {RETURNED_FOR.days} days.",
    ),
    ("others", "Waiting for others", "Nothing waits for others."),
)


def grouped(found: Iterable[Handoff], tenant: str, now: datetime, asked: Mapping[str, str]) -> list[Group]:
    """`found` comes by when the next action is due; `asked` has the page of a group by its code. Raises Invalid for
    what is no page; the last page stands for those behind it."""
    members: dict[str, list[Handoff]] = {code: [] for code, _, _ in _GROUPS}
    for handoff in found:
        members[_group_of(handoff, tenant)].append(handoff)
    last = {code: max(1, -(-len(of_group) // LINES)) for code, of_group in members.items()}
    pages_of = {code: min(_page(asked, code), last[code]) for code in members}
    groups = []
    for code, title, nothing in _GROUPS:
        # Stable: what is equally urgent stays by when it is due. Whom nobody answers to waits for no date.
        ordered = sorted(members[code], key=lambda handoff: _urgency(handoff, now))
        first = (pages_of[code] - 1) * LINES
        overdue = sum(is_overdue(handoff, now) for handoff in ordered)
        groups.append(Group(code, title, nothing, ordered[first : first + LINES], len(ordered), overdue, pages_of))
    return groups


def line(handoff: Handoff, person: str, now: datetime) -> Line:
    by = handoff.next_action.by if handoff.next_action else None
    return Line(handoff, person, time_left(by, now) if by else None, is_overdue(handoff, now))


def is_overdue(handoff: Handoff, now: datetime) -> bool:
    by = handoff.next_action.by if handoff.next_action else None
    return by is not None and by < now


def _group_of(handoff: Handoff, tenant: str) -> str:
    if handoff.status in TERMINAL:
        return "returned"
    return "ours" if handoff.next_action is not None and handoff.next_action.who == tenant else "others"


def _urgency(handoff: Handoff, now: datetime) -> int:
    """Overdue, then escalations that nobody has taken over, then the rest."""
    if is_overdue(handoff, now):
        return 0
    return 1 if handoff.part_of and handoff.status in {"requested", "received"} else 2


def _page(asked: Mapping[str, str], code: str) -> int:
    text = asked.get(code, "1")
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) > 0):
        raise Invalid(f"expected the page `{code}` as a number from 1 on, got something else", code="value")
    return int(text)
