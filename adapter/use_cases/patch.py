"""PATCH: JSON Patch (RFC 6902) or FHIRPath Patch on a resource (https://hl7.org/fhir/R4/http.html#patch)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import jsonpatch
import jsonpointer

from adapter.domain.errors import BusinessRule, Invalid, NotSupported
from mappings import fhirpath_patch

Tree = dict[str, Any]


def apply_patch(tree: Tree, patch: Tree | list[Any] | None, at: str) -> Tree:
    """The patched resource. Raises Invalid for a patch that is none, BusinessRule for one that does not apply."""
    if isinstance(patch, list):
        patched = _apply_json_patch(tree, patch, at)
    elif patch is not None and patch.get("resourceType") == "Parameters":
        patched = fhirpath_patch.apply(deepcopy(tree), patch, at)
    else:
        raise NotSupported("expected a JSON Patch (an array of operations) or Parameters", expression=at)
    if not isinstance(patched, dict) or any(patched.get(key) != tree.get(key) for key in ("resourceType", "id")):
        raise Invalid("a patch may not change resourceType or id", expression=f"{at}.id", code="invariant")
    return patched


def _apply_json_patch(tree: Tree, patch: list[Any], at: str) -> Any:
    try:
        return jsonpatch.JsonPatch(patch).apply(tree)
    except jsonpatch.JsonPatchTestFailed:
        raise BusinessRule(
            "a test operation of the patch does not hold on the current version", expression=at
        ) from None
    except (jsonpatch.JsonPatchConflict, jsonpointer.JsonPointerException):
        raise BusinessRule("an operation of the patch names an element that is not there", expression=at) from None
    except (jsonpatch.InvalidJsonPatch, TypeError, KeyError, AttributeError):
        raise Invalid(
            "expected JSON Patch operations with op, path and value", expression=at, code="structure"
        ) from None
