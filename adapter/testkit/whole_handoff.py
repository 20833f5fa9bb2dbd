"""A handoff of any pathway, whole: what the initiator sends, what the recipient answers, and the visit at the end.

What a pathway asks for is read from its file, so that a new pathway has generated handoffs at once. `without` leaves
single facts out and nothing else: what is then refused is refused for that fact.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from adapter.domain.pathway import Pathway
from adapter.testkit.answer_resources import AnswerMaker
from adapter.testkit.elements import Tree
from adapter.testkit.making import Drawn, Resources, Wording
from adapter.testkit.request_resources import RequestMaker


@dataclass(frozen=True)
class WholeHandoff:
    """`request`: what `requester` sends to `owner` (demo partners). `answer`: what the recipient records before it
    accepts, and `outputs` what it adds to the Task then. `visit`: the appointment once it was kept; `last_outputs` come
    with the completion. Resources refer to each other by `wording.url(name)`."""

    pathway: str
    requester: str
    owner: str
    request: Resources
    answer: Resources
    outputs: list[Tree]
    visit: Resources
    last_outputs: list[Tree]
    wording: Wording

    def transaction(self, resources: Resources) -> Tree:
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": self.wording.url(name),
                    "resource": tree,
                    "request": {"method": "POST", "url": tree["resourceType"]},
                }
                for name, tree in resources.items()
            ],
        }


def complete(
    pathway: Pathway,
    tier: str | None = None,
    *,
    method: str | None = None,
    without: Collection[str] = (),
    optional: Collection[str] = (),
    wording: Wording | None = None,
    chance: random.Random | None = None,
) -> WholeHandoff:
    """A handoff that passes every gate of `pathway` at `tier`, but for the facts in `without`.

    `method` (a handoff-method code) is the usual one of the pathway unless given; `optional` are facts to add that the
    pathway does not demand."""
    chance = chance or random.Random(f"{pathway.name} {tier}")
    wording = wording or Drawn(chance, datetime(2026, 3, 3, 17, tzinfo=UTC))
    told = (pathway, tier, method, frozenset(without), frozenset(optional), wording, chance)
    asking, answering = RequestMaker(*told), AnswerMaker(*told)
    request, answer = asking.make(), answering.answer()
    return WholeHandoff(
        pathway=pathway.name,
        requester=asking.at.requester,
        owner=asking.at.owner,
        request=request,
        answer=answer,
        outputs=answering.outputs(),
        visit=answering.visit(answer),
        last_outputs=answering.last_outputs(),
        wording=wording,
    )
