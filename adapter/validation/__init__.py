"""Strict JSON, the base specification and profiles, before anything is modelled: bytes → tree → issues.

    tree = decode_resource(raw, max_bytes=settings.max_body_bytes)   # TooLarge, Malformed, Invalid
    remarks = refuse_invalid(tree)                        # NotSupported, TooLarge, Invalid, BusinessRule; warnings
    issues = check(tree)                                              # the same as a list, for $validate and batches

A schema answers yes or no for each resource (`structure.py`), a single walk does what a schema cannot say (`walk.py`),
and what a resource claims to be is held against our profiles (`profiles.py`). Rights and whether a referenced resource
exists are for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from adapter.domain.errors import BusinessRule, Invalid, Issue, NotSupported, TooLarge
from adapter.use_cases.ports import Tree
from adapter.validation.decoding import decode_resource, refuse_costly
from adapter.validation.profiles import profile_issues
from adapter.validation.walk import check as check_base

__all__ = ["MAX_ENTRIES", "check", "decode_resource", "issues_by_entry", "refuse_invalid", "refuse_patched"]

MAX_ENTRIES = 500
_ENTRY = re.compile(r"^Bundle\.entry\[(\d+)\]")


def check(tree: Tree) -> list[Issue]:
    """Every issue of the base specification and, where that finds no error, of the profiles; at most 200."""
    issues = check_base(tree)
    return issues if _errors(issues) else issues + profile_issues(tree)


def refuse_invalid(tree: Tree, *, max_entries: int = MAX_ENTRIES) -> list[Issue]:
    """Return the warnings if `tree` keeps to the base specification and to the profiles that it claims.

    Raises TooLarge (`too-costly`) for a Bundle of more than `max_entries`, NotSupported when unknown resource types are
    its only fault, Invalid with all located issues otherwise, BusinessRule when only profiles are not met."""
    entries = tree.get("entry")
    if tree.get("resourceType") == "Bundle" and isinstance(entries, list) and len(entries) > max_entries:
        text = f"expected at most {max_entries} entries, got {len(entries)}"
        raise TooLarge(text, expression="Bundle.entry", code="too-costly")
    issues = check_base(tree)
    if errors := _errors(issues):
        only_unsupported = all(issue.code == "not-supported" for issue in errors)
        raise NotSupported(errors) if only_unsupported else Invalid(errors)
    issues += profile_issues(tree)
    if errors := _errors(issues):
        raise BusinessRule(errors)
    return issues


def refuse_patched(tree: Tree) -> list[Issue]:
    """`refuse_invalid` of what a patch has made. It did not come as bytes, so its bounds are still to be kept."""
    refuse_costly(tree)
    return refuse_invalid(tree)


def _errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity == "error"]


def issues_by_entry(issues: Iterable[Issue]) -> dict[int | None, list[Issue]]:
    """The issues of a Bundle by position of the entry, None for the Bundle itself: a batch refuses entry by entry."""
    grouped: dict[int | None, list[Issue]] = {}
    for issue in issues:
        entry = _ENTRY.match(issue.expression or "")
        grouped.setdefault(int(entry[1]) if entry else None, []).append(issue)
    return grouped
