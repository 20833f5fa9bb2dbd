"""PATCH: JSON Patch, FHIRPath Patch or JSON Merge Patch on a resource.

https://hl7.org/fhir/R4/http.html#patch, https://www.rfc-editor.org/rfc/rfc6902, https://www.rfc-editor.org/rfc/rfc7396
"""

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
    elif patch is not None and _is_fhirpath(patch):
        patched = fhirpath_patch.apply(deepcopy(tree), patch, at)
    elif patch is not None:
        patched = _merged(tree, patch)
    else:
        raise NotSupported("expected a JSON Patch (an array of operations) or Parameters", expression=at)
    if not isinstance(patched, dict) or any(patched.get(key) != tree.get(key) for key in ("resourceType", "id")):
        raise Invalid("a patch may not change resourceType or id", expression=f"{at}.id", code="invariant")
    return patched


def version_decided_on(patch: Tree | list[Any] | None) -> str | None:
    """The version that a patch itself says it was decided on: a test of `/meta/versionId`, or its `meta.versionId`."""
    if isinstance(patch, list):
        tests = (each for each in patch if isinstance(each, dict) and each.get("op") == "test")
        stated = next((each.get("value") for each in tests if each.get("path") == "/meta/versionId"), None)
    else:
        meta = None if patch is None or _is_fhirpath(patch) else patch.get("meta")
        stated = meta.get("versionId") if isinstance(meta, dict) else None
    return stated if isinstance(stated, str) else None


def _is_fhirpath(patch: Tree) -> bool:
    return patch.get("resourceType") == "Parameters"


def _merged(tree: Tree, patch: Tree) -> Tree:
    """Objects are merged, null takes away, everything else replaces."""
    merged = dict(tree)
    for name, value in patch.items():
        before = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = _merged(before if isinstance(before, dict) else {}, value)
        else:
            merged[name] = value
    return merged


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
