"""Profiles at request time: what a resource claims in meta.profile is held against our snapshots, compiled once.

A claim that is not known here is warned about, never ignored (https://hl7.org/fhir/R4/profiling.html#resources). The
rules of our own extensions hold for every resource that carries one, claimed or not: somebody acts on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from adapter.domain.errors import Issue
from adapter.use_cases.ports import Tree
from adapter.validation.package import BASE_DEFINITIONS, structures
from adapter.validation.profile_rules import Check, ElementRule, Surroundings
from adapter.validation.references import NO_ENTRIES, Container, Entries
from adapter.validation.snapshot import root_rule
from mappings.canonicals import BASE

_OWN: Final = f"{BASE}/StructureDefinition/"
_MAX_ISSUES: Final = 100
_HOLDERS: Final = frozenset({"Bundle", "Parameters"})


def profile_issues(tree: Tree) -> list[Issue]:
    """What the profiles find in a body that is sound by the base specification; at most 100."""
    issues: list[Issue] = []
    for issue in _resource(tree, tree["resourceType"], NO_ENTRIES):
        issues.append(issue)
        if len(issues) >= _MAX_ISSUES:
            break
    return issues


def _resource(tree: Tree, path: str, entries: Entries) -> Iterator[Issue]:
    """One resource with all that it holds."""
    type_ = tree["resourceType"]
    claims = tree.get("meta", {}).get("profile", ())
    extensions = [(n, e) for n, e in enumerate(tree.get("extension", ())) if e.get("url", "").startswith(_OWN)]
    if type_ == "Bundle":
        entries = Entries.of(tree)
    if claims or extensions:
        around = Surroundings(entries, Container.of(tree))
        found: dict[tuple[str, str | None], Issue] = {}
        for issue in (*_claimed(tree, claims, path, around), *_extended(type_, extensions, path, around)):
            found.setdefault((issue.code, issue.expression), issue)
        yield from found.values()
    for position, contained in enumerate(tree.get("contained", ())):
        yield from _resource(contained, f"{path}.contained[{position}]", entries)
    if type_ in _HOLDERS:
        for held, where in _held(tree, type_, path):
            yield from _resource(held, where, entries)


def _held(tree: Tree, type_: str, path: str) -> Iterator[tuple[Tree, str]]:
    name = "entry" if type_ == "Bundle" else "parameter"
    for position, item in enumerate(tree.get(name, ())):
        if "resource" in item:
            yield item["resource"], f"{path}.{name}[{position}].resource"


def _claimed(tree: Tree, claims: Any, path: str, around: Surroundings) -> Iterator[Issue]:
    for position, claim in enumerate(claims):
        url = (claim or "").partition("|")[0]
        definition = structures().get(url)
        at = f"{path}.meta.profile[{position}]"
        if definition is None:
            if url != BASE_DEFINITIONS + tree["resourceType"]:
                yield Issue("not-found", "this profile is not known here, so that nothing was checked against it", at,
                            "warning")  # fmt: skip
        elif definition["type"] != tree["resourceType"]:
            yield Issue("invalid", f"expected a profile of {tree['resourceType']}, got one of {definition['type']}", at)
        else:
            yield from _check(definition["id"], around).object(tree, compiled(url), path)


def _extended(type_: str, extensions: list[tuple[int, Tree]], path: str, around: Surroundings) -> Iterator[Issue]:
    """Our extensions wherever they stand on a resource: where they may, once each, and built as defined."""
    seen: set[str] = set()
    for position, extension in extensions:
        at, url = f"{path}.extension[{position}]", extension["url"]
        definition = structures().get(url)
        if definition is None:
            yield Issue("not-found", "no extension of this name is defined here: it has no effect", at, "warning")
            continue
        contexts = {context["expression"] for context in definition["context"]}
        if type_ not in contexts:
            yield Issue("extension", f"expected this extension on {', '.join(sorted(contexts))} only", at)
        if url in seen and definition["snapshot"]["element"][0]["max"] == "1":
            yield Issue("structure", f"expected at most 1 extension {definition['id']}, got more", at)
        seen.add(url)
        yield from _check(definition["id"], around).object(extension, compiled(url), at)


def _check(title: str, around: Surroundings) -> Check:
    return Check(title, around, compiled)


@cache
def compiled(url: str) -> ElementRule:
    """The rules of a profile or extension of the package."""
    return root_rule(structures()[url])
