"""Mutations of a JSON Patch (RFC 6902) and of plain JSON, which no table of R4 describes."""

from __future__ import annotations

import copy
import random
from decimal import Decimal
from typing import Any, Final

from tests.mutants.mutation import CANARY, Change, at
from tests.mutants.places import Path

_POINTERS: Final = (
    "/status", "/nope", "", "/", "/input/0", "/input/-", "/owner/reference", "/id", "/resourceType", "~2", "/meta",
    "/²", "/input/99", "/input/-1", "/input/01", "/input/x", "/status/x", "//", "/~", "/~3", "/meta/versionId",
    CANARY, None, 7, [],
)  # fmt: skip
_ODD: Final[tuple[Any, ...]] = (
    None, True, 7, -1, Decimal("1.50"), "", " ", CANARY, "\u0000", [], {}, [[]], [None], {"x": CANARY}, [CANARY], 2**70,
    "x" * 20_000, "2026-02-30", "2026-01-01T00:00:00", "😀", Decimal("1e400"),
)  # fmt: skip


def operation(chance: random.Random, patch: list[Any]) -> Change | None:
    index = chance.randrange(len(patch))
    each = patch[index]
    was = [each.get("path"), each.get("from")]
    name = chance.choice(["op", "path", "value", "from", "removed", "whole", "added"])
    if name == "op":
        each["op"] = chance.choice(["add", "remove", "move", "copy", "test", "fly", None, 7, CANARY, "", "Replace"])
    elif name in {"path", "from"}:
        each[name] = chance.choice(_POINTERS)
    elif name == "value":
        each["value"] = copy.deepcopy(chance.choice(_ODD))
    elif name == "removed":
        del each[chance.choice(list(each))]
    elif name == "whole":
        patch[index] = copy.deepcopy(chance.choice(_ODD))
    else:
        patch.append(
            {"op": chance.choice(["test", "remove", "add"]), "path": chance.choice(_POINTERS), "value": CANARY}
        )
    # An issue points into the resource that is patched: a patch has no elements that FHIRPath could name.
    now = [patch[index].get("path"), patch[index].get("from")] if isinstance(patch[index], dict) else []
    return at(*{_pointed(pointer) for pointer in [*was, *now]}, forbidden=False)


def _pointed(pointer: Any) -> Path:
    """Where a JSON Pointer leads in the resource; the resource itself when it is none."""
    steps = pointer.split("/")[1:] if isinstance(pointer, str) and pointer.startswith("/") else []
    return tuple(int(step) if step.isascii() and step.isdecimal() else step for step in steps)


def plain(chance: random.Random, body: dict[str, Any]) -> Change | None:
    """One member is missing, unknown, or something else than it should be."""
    found = list(_members(body, ()))
    path, holder, key = chance.choice(found)
    kind = chance.choice(["removed", "odd", "odd", "odd", "unknown", "misspelt", "list", "moved"])
    if kind == "removed":
        del holder[key]
    elif kind == "odd":
        holder[key] = copy.deepcopy(chance.choice(_ODD))
    elif kind == "list":
        holder[key] = [holder[key]]
    elif kind == "moved":
        holder[key] = copy.deepcopy(chance.choice(found)[1])
    elif not isinstance(holder, dict):
        return None
    elif kind == "unknown":
        name = chance.choice(["zanzibarella", CANARY, "", "x y", "ü"])
        holder[name] = CANARY
        return at((*path[:-1], name))
    else:
        holder[f"{key}x"] = holder.pop(key)
        return at((*path[:-1], f"{key}x"), path)
    return at(path, forbidden=False)


def _members(node: Any, path: Path) -> Any:
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield (*path, key), node, key
        if isinstance(value, dict | list):
            yield from _members(value, (*path, key))
