"""PATCH: JSON Patch (RFC 6902) on a resource (https://hl7.org/fhir/R4/http.html#patch)."""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer

from adapter.domain.errors import BusinessRule, Invalid, NotSupported

Tree = dict[str, Any]


def apply_patch(tree: Tree, patch: Tree | list[Any] | None, at: str) -> Tree:
    """The patched resource. Raises Invalid for a patch that is none, BusinessRule for one that does not apply."""
    if not isinstance(patch, list):
        raise NotSupported("expected a JSON Patch (application/json-patch+json): an array of operations", expression=at)
    try:
        patched = jsonpatch.JsonPatch(patch).apply(tree)
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
    if not isinstance(patched, dict) or any(patched.get(key) != tree.get(key) for key in ("resourceType", "id")):
        raise Invalid("a patch may not change resourceType or id", expression=f"{at}.id", code="invariant")
    return patched
