"""What `profiles/package` publishes, as the validator needs it: profiles by canonical URL, value sets as their codes.

Read once, on first use. https://hl7.org/fhir/R4/packages.html
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from adapter.use_cases.ports import Tree

BASE_DEFINITIONS = "http://hl7.org/fhir/StructureDefinition/"

Code = tuple[str, str]
"""(system, code)."""


class Unenumerable(ValueError):
    """A value set whose codes are not all said by the package: it cannot be bound as required."""


@cache
def _by_url() -> dict[str, Tree]:
    folder = files("profiles") / "package"
    index = orjson.loads((folder / ".index.json").read_bytes())["files"]
    return {f["url"]: orjson.loads((folder / f["filename"]).read_bytes()) for f in index if "url" in f}


@cache
def structures() -> dict[str, Tree]:
    """Canonical URL → StructureDefinition with snapshot."""
    return {url: tree for url, tree in _by_url().items() if tree["resourceType"] == "StructureDefinition"}


@cache
def codes_of(value_set: str) -> frozenset[Code]:
    """The codes of a value set of the package. Raises Unenumerable."""
    tree = _by_url().get(value_set.partition("|")[0])
    if tree is None or tree["resourceType"] != "ValueSet" or "exclude" in tree["compose"]:
        raise Unenumerable(value_set)
    return frozenset(code for include in tree["compose"]["include"] for code in _included(include))


def _included(include: Tree) -> list[Code]:
    if "filter" in include:
        raise Unenumerable(include["system"])
    if "valueSet" in include:
        return [code for value_set in include["valueSet"] for code in codes_of(value_set)]
    system: str = include["system"]
    concepts: list[dict[str, Any]] | None = include.get("concept")
    if concepts is None:
        definition = _by_url().get(system)
        if definition is None:
            raise Unenumerable(system)
        concepts = definition["concept"]
    return [(system, concept["code"]) for concept in concepts]
