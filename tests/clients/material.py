"""What a client is given to send: plain JSON, whose parts refer to each other by `urn:uuid:` addresses."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adapter.pathways import load_pathways
from adapter.testkit.making import Drawn
from adapter.testkit.whole_handoff import complete
from mappings.json_codec import encode

Tree = dict[str, Any]


@dataclass(frozen=True)
class Material:
    """`request`: the transaction of `sender`. `answer`: that of `recipient`, recorded before it accepts; `outputs` of
    the Task come with the acceptance. `kept`: the appointment once the person has come to it."""

    sender: str
    recipient: str
    request: Tree
    answer: Tree
    outputs: list[Tree]
    kept: Tree


def made(seed: str) -> Material:
    """A handoff with gates before acceptance and completion."""
    chance = random.Random(seed)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    pathway = load_pathways()["mobile-crisis-to-outpatient"]
    whole = complete(pathway, "moderate", wording=Drawn(chance, an_hour_ago), chance=chance)
    return Material(
        sender=whole.requester,
        recipient=whole.owner,
        request=plain(whole.transaction(whole.request)),
        answer=plain(whole.transaction(whole.answer)),
        outputs=plain(whole.outputs),
        kept=plain(whole.visit["appointment"]),
    )


def located(sent: Tree, response: Tree) -> dict[str, str]:
    """fullUrl → `Type/id` of what a transaction created."""
    pairs = zip(sent["entry"], response["entry"], strict=True)
    return {entry["fullUrl"]: made["response"]["location"].partition("/_history")[0] for entry, made in pairs}


def addressed(tree: Any, places: dict[str, str]) -> Any:
    """The same with the addresses that are known by now."""
    text = json.dumps(tree)
    for url, place in places.items():
        text = text.replace(url, place)
    return json.loads(text)


def of_type(places: dict[str, str], type_: str) -> str:
    """The id of the one resource of this type."""
    (place,) = (place for place in places.values() if place.startswith(f"{type_}/"))
    return place.partition("/")[2]


def plain(tree: Any) -> Any:
    """As any JSON library would have it: no Decimals of ours."""
    return json.loads(encode(tree))
