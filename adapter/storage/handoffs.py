"""A row of `handoff` as the rooms below know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapter.domain.handoff import Handoff, NextAction
from adapter.storage.kept_disclosure import disclosure_from

HANDOFF = (
    *("id", "status", "requester", "owner", "pathway", "patient", "focus", "authored_on", "updated_at", "responsible"),
    *("next_action_code", "next_action_who", "next_action_by", "business_status", "risk_tier", "acceptance_deadline"),
    *("part_of", "flagged_for_review", "escalated_to", "correlation", "disclosure"),
)
"""The columns of a `Handoff`."""


def handoff_of(row: Sequence[Any]) -> Handoff:
    columns: dict[str, Any] = dict(zip(HANDOFF, row, strict=True))
    code, who, by = (columns.pop(f"next_action_{part}") for part in ("code", "who", "by"))
    columns["next_action"] = None if code is None else NextAction(code, who, by)
    columns["escalated_to"] = tuple(columns["escalated_to"])
    columns["correlation"] = tuple(columns["correlation"])
    columns["disclosure"] = disclosure_from(columns["disclosure"])
    return Handoff(**columns)
