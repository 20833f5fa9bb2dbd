"""References of a change: resolved inside the Bundle, by condition or in the store, and rewritten to `Type/id`.

https://hl7.org/fhir/R4/http.html#trules. A reference to a resource of another organisation is answered exactly as one
to a resource that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adapter.domain.errors import Invalid, Issue, MultipleMatches
from adapter.domain.partner import Directory
from adapter.use_cases.ports import Reader, ResourceKey, StoredResource
from adapter.use_cases.targets import Action, Change, match_at
from mappings.json_codec import decode
from mappings.organization import directory_entry, is_published
from mappings.references import (
    CONDITIONAL,
    RELATIVE,
    BundleAddresses,
    Links,
    base_of,
    links_in,
    walk_references,
)

Tree = dict[str, Any]

NEVER_SHARED = frozenset({"Subscription"})
"""Types that are their author's alone, whatever points at them or travels with them: its headers may hold a secret."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""Of an absolute address: what stands at another server is not looked for."""


class Known:
    """Every resource that this change can see: what it writes, and what its references point at in the store."""

    def __init__(
        self,
        changes: Sequence[Change],
        stored: dict[ResourceKey, StoredResource],
        directory: Directory,
        base_url: str,
    ):
        self.stored = stored
        self._directory = directory
        self._here = base_url + "/"
        self._trees: dict[str, Tree | None] = {str(c.key): c.tree for c in changes if c.tree is not None}
        self._links: dict[str, Links] = {str(c.key): c.links for c in changes if c.tree is not None}

    def tree(self, reference: str) -> Tree | None:
        """The tree that `Type/id` names, or None. Has the form of mappings.references.Resolve."""
        key = reference.partition("/_history/")[0]
        if key not in self._trees:
            self._trees[key] = directory_entry(key, self._directory) or self._stored_tree(key)
        return self._trees[key]

    def targets(self, reference: str) -> Iterator[str]:
        """What `Type/id` points at, without versions: references, and the Binaries of its attachments. In each tree
        they are looked for once."""
        tree = self.tree(reference)
        if tree is None:
            return
        if reference not in self._links:
            self._links[reference] = links_in(tree)
        references, binaries = self._links[reference]
        for element in references:
            yield element["reference"].partition("/_history/")[0]
        for address in binaries:
            yield address.removeprefix(self._here).partition("/_history/")[0]

    def _stored_tree(self, key: str) -> Tree | None:
        match = RELATIVE.match(key)
        found = self.stored.get(ResourceKey(match.group(1), match.group(2))) if match else None
        return decode(found.body) if found and not found.deleted else None

    def is_published(self, reference: str) -> bool:
        """Whether `Type/id` is of the public directory: everybody reads it, and it belongs to no handoff."""
        type_, _, id_ = reference.partition("/")
        return is_published(type_, id_, self._directory)

    def add(self, resources: Iterable[StoredResource]) -> None:
        for resource in resources:
            self.stored.setdefault(resource.key, resource)
            if self._trees.get(str(resource.key), 0) is None:
                del self._trees[str(resource.key)]

    def trees(self) -> dict[str, Tree]:
        """All of them by `Type/id`, decoded."""
        for key in self.stored:
            self.tree(str(key))
        return {key: tree for key, tree in self._trees.items() if tree is not None}


def link(
    changes: Sequence[Change], reader: Reader, directory: Directory, base_url: str, *, refuse_dangling: bool
) -> Known:
    """Rewrite every reference of `changes` in place and return what they point at.

    `refuse_dangling` is false for messages, whose senders reference things that they do not send: those references
    stay as they are and point at nothing."""
    addresses = _addresses(changes)
    outside: dict[ResourceKey, None] = {}
    problems: list[tuple[Change, str, str]] = []
    for change in changes:
        if change.tree is None or not change.writes:
            continue
        base = base_of(change.interaction.full_url)
        change.links = addresses.rewrite_uris(change.tree)
        for element in change.references:
            reference: str = element["reference"]
            if reference.startswith("#"):
                continue
            inside = addresses.resolve(reference, base)
            if inside is None and reference.startswith(base_url + "/"):
                # What stands here already, whatever the sender calls what it sends.
                reference = element["reference"] = reference[len(base_url) + 1 :]
            if inside is not None:
                element["reference"] = inside
            elif CONDITIONAL.match(reference):
                element["reference"] = _conditional(reader, change, reference)
            elif match := RELATIVE.match(reference):
                if directory_entry(reference, directory) is None:
                    outside[ResourceKey(match.group(1), match.group(2))] = None
            elif reference.startswith(("urn:uuid:", "urn:oid:")):
                problems.append((change, reference, "a placeholder that no entry has as its fullUrl"))
            elif not _SCHEME.match(reference):
                problems.append((change, reference, "one that is neither Type/id nor an address"))
    stored = reader.read_many(outside) if outside else {}
    for change in changes:
        if change.before is not None:
            stored.setdefault(change.before.key, change.before)
    if refuse_dangling:
        _refuse_dangling(changes, outside, stored, problems)
    return Known(changes, stored, directory, base_url)


def _addresses(changes: Sequence[Change]) -> BundleAddresses:
    addresses = BundleAddresses()
    for change in changes:
        if change.action is Action.READ or change.action is Action.DELETE:
            continue
        interaction = change.interaction
        sent_id = (interaction.resource or {}).get("id")
        sent_as = f"{interaction.type}/{sent_id}" if sent_id else None
        addresses.add(interaction.full_url, sent_as, str(change.key))
    return addresses


def _conditional(reader: Reader, change: Change, reference: str) -> str:
    match = CONDITIONAL.match(reference)
    assert match is not None
    at = _where(change, reference)
    found = match_at(at, reader, match.group(1), match.group(2))
    if len(found) == 1:
        return str(found[0].key)
    if found:
        raise MultipleMatches(f"expected the condition to match one {match.group(1)}, got several", expression=at)
    raise Invalid(f"expected the condition to match one {match.group(1)}, got none", expression=at, code="not-found")


def _refuse_dangling(
    changes: Sequence[Change],
    outside: Iterable[ResourceKey],
    stored: dict[ResourceKey, StoredResource],
    problems: list[tuple[Change, str, str]],
) -> None:
    # What an earlier version already pointed at is no fault of this one.
    problems[:] = [(change, ref, what) for change, ref, what in problems if not _pointed_before(change, ref)]
    missing = {key for key in outside if key not in stored or stored[key].deleted}
    if missing:
        for change in changes:
            for element in change.references:
                match = RELATIVE.match(element["reference"])
                key = ResourceKey(match.group(1), match.group(2)) if match else None
                already = _pointed_before(change, element["reference"])
                # A recipient that is not there is told as such, with what to do about it (begin_handoff).
                is_owner = change.key.type == "Task" and element is (change.tree or {}).get("owner")
                if key in missing and not already and not is_owner:
                    problems.append((change, element["reference"], f"no such {key.type}"))
    if problems:
        issues = [
            Issue("not-found", f"expected a reference to an existing resource, got {what}", at)
            for change, ref, what in problems
            for at in _places(change, ref)
        ]
        raise Invalid(list(dict.fromkeys(issues)))


def _pointed_before(change: Change, reference: str) -> bool:
    return change.before is not None and reference.encode() in change.before.body


def _where(change: Change, reference: str) -> str:
    return _places(change, reference)[0]


def _places(change: Change, reference: str) -> list[str]:
    """Everywhere that a resource refers so."""
    elements = walk_references(change.tree or {}, change.at)
    return [f"{at}.reference" for element, at in elements if element["reference"] == reference] or [change.at]


def reach(start: Iterable[str], known: Known, reader: Reader, tenant: str) -> tuple[set[str], set[ResourceKey]]:
    """Everything that `start` (`Type/id`s) leads to by references and attachments: resources of this change, and stored
    resources that `tenant` itself authored (what it only reads it may not pass on)."""
    inside: set[str] = set()
    outside: set[ResourceKey] = set()
    frontier = list(start)
    while frontier:
        unread: set[ResourceKey] = set()
        next_frontier: list[str] = []
        for reference in frontier:
            if reference in inside:
                continue
            inside.add(reference)
            for target in known.targets(reference):
                match = RELATIVE.match(target)
                if match is None or target in inside or known.is_published(target) or match.group(1) in NEVER_SHARED:
                    continue
                next_frontier.append(target)
                if known.tree(target) is None:
                    unread.add(ResourceKey(match.group(1), match.group(2)))
        if unread:
            known.add(reader.read_many(unread).values())
        frontier = [
            target for target in next_frontier if known.tree(target) is not None and _may_pass_on(target, known, tenant)
        ]
    for reference in inside:
        type_, _, id_ = reference.partition("/")
        resource = known.stored.get(ResourceKey(type_, id_))
        if resource is not None and resource.author == tenant:
            outside.add(resource.key)
    return inside, outside


def _may_pass_on(target: str, known: Known, tenant: str) -> bool:
    type_, _, id_ = target.partition("/")
    resource = known.stored.get(ResourceKey(type_, id_))
    return resource is None or resource.author == tenant
