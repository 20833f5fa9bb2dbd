"""Which elements `_summary` shows and which no subset may leave out: see `profiles/r4/README.md` for the format.

Source: `isSummary` and `min` of the StructureDefinitions (https://hl7.org/fhir/R4/elementdefinition.html). Used by
`profiles/build_r4.py` only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from profiles.r4_definitions import Definitions, resources

_ALWAYS = ("resourceType", "id", "meta")


def subsets(source: Path, definitions: Definitions) -> dict[str, dict[str, list[str]]]:
    """Shape of a resource or nested element → its `summary` and its `mandatory` JSON properties."""
    found: dict[str, dict[str, list[str]]] = {}
    by_type = {d["type"]: d for d in resources(source, "StructureDefinition") if d.get("derivation") != "constraint"}
    for type_ in definitions.resource_types:
        for raw in by_type[type_]["snapshot"]["element"][1:]:
            shape, _, name = raw["path"].rpartition(".")
            element = next(e for e in definitions.shapes[shape].elements if e.name == name)
            lists = found.setdefault(shape, {"summary": [], "mandatory": []})
            for property_ in element.json_names():
                _enter(lists, property_, raw)
    return found


def _enter(lists: dict[str, list[str]], name: str, raw: dict[str, Any]) -> None:
    if raw.get("isSummary") or name in _ALWAYS:
        lists["summary"].append(name)
    if raw["min"] > 0 or name in _ALWAYS:
        lists["mandatory"].append(name)
