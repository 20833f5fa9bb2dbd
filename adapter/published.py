"""What of the package of profiles every partner reads here: what is measured, what can be subscribed to, and the words
and shapes that Tasks are written in."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from mappings.json_codec import decode

TYPES: Final = ("Basic", "CodeSystem", "Measure", "SearchParameter", "StructureDefinition", "ValueSet")
"""A Basic is the form that R4 has for a SubscriptionTopic. OperationDefinitions have a route of their own."""


def definitions(*types: str) -> list[dict[str, Any]]:
    """Those of the package that have one of `types`, as they are in it, in the order of types and ids."""
    found = {file.name: file for file in files("profiles").joinpath("package").iterdir()}
    return [decode(found[name].read_bytes()) for type in types for name in sorted(found) if name.startswith(f"{type}-")]
