"""What a client is given to send: plain JSON, whose parts refer to each other by `urn:uuid:` addresses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

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
