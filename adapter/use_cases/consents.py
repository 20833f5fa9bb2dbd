"""Which Consents open what is restricted in a handoff, for whom and until when; and what follows when that changes.

A Consent that opens something becomes part of the handoff: a copy of it accompanies the disclosure (42 CFR 2.32(b)).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from adapter.domain import events
from adapter.domain.consent import Directive, Why, permit_for
from adapter.domain.disclosure import EXPIRY, Disclosure, DisclosureChange, Permit, Restriction
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.partner import Directory
from adapter.use_cases.ports import (
    Deadline,
    NewVersion,
    Notification,
    Reader,
    ResourceKey,
    SearchQuery,
    StoredResource,
    Tree,
    WriteSet,
)
from mappings import consent as consent_mapping
from mappings import emergency
from mappings.json_codec import decode
from mappings.party import partner_named_by
from mappings.references import RELATIVE, Resolve, contained_or
from mappings.times import format_time

_MOST: Final = 1000
"""So many Consents of one person are looked at; more would be no record that anybody signed."""


@dataclass(slots=True)
class Consents:
    """The Consents of persons, and the statements of emergencies that stand beside them, as they are after this change:
    `written` are its own. `reader` reads everything, because each counts for the records of its own author, whoever
    asks."""

    reader: Reader
    directory: Directory
    now: datetime
    written: Mapping[ResourceKey, NewVersion] = field(default_factory=dict)
    resolve: Resolve = lambda reference: None
    _found: dict[str, list[tuple[Directive, StoredResource | None]]] = field(default_factory=dict)

    def of(self, patient: str) -> Sequence[tuple[Directive, StoredResource | None]]:
        """Each with how it is stored; None where this change writes it."""
        if patient not in self._found:
            self._found[patient] = [*self._written_about(patient), *self._stored_about(patient)] if patient else []
        return self._found[patient]

    def _written_about(self, patient: str) -> list[tuple[Directive, StoredResource | None]]:
        made = [v for v in self.written.values() if v.tree is not None]  # Consents and statements of emergency
        directives = [self._directive(v.tree or {}, v.version, v.author) for v in made]
        return [(directive, None) for directive in directives if directive.patient == patient]

    def _stored_about(self, patient: str) -> list[tuple[Directive, StoredResource | None]]:
        found = list(self.reader.search(SearchQuery("Consent", (("patient", patient),), count=_MOST)).matches)
        since = ("sent", f"ge{format_time(self.now - emergency.LASTS)}")
        told = self.reader.search(SearchQuery("Communication", (("patient", patient), since), count=_MOST)).matches
        found += (each for each in told if emergency.is_emergency(decode(each.body)))
        stored = [each for each in found if each.key not in self.written]
        return [(self._directive(decode(each.body), each.version, each.author), each) for each in stored]

    def _directive(self, tree: Tree, version: int, author: str) -> Directive:
        resolve = contained_or(tree, self._resolve)

        def named(element: Tree) -> str | None:
            partner = partner_named_by(element, resolve, self.directory)
            return partner.id if partner else None

        read = emergency.from_fhir if emergency.is_emergency(tree) else consent_mapping.from_fhir
        return read(tree, version=version, author=author, named=named)

    def _resolve(self, reference: str) -> Tree | None:
        if (tree := self.resolve(reference)) is not None:
            return tree
        match = RELATIVE.match(reference)
        found = self.reader.read(ResourceKey(match.group(1), match.group(2))) if match else None
        return decode(found.body) if found and not found.deleted else None


@dataclass(frozen=True, slots=True)
class Review:
    """A handoff with its disclosure as it is now; `lacking` says why a restriction is not open for a party."""

    before: Handoff | None
    after: Handoff
    change: DisclosureChange
    lacking: Mapping[tuple[Restriction, str], Why]
    basis: Sequence[tuple[ResourceKey, StoredResource | None]]


def review(
    before: Handoff | None,
    after: Handoff,
    added: Collection[Restriction],
    consents: Consents,
    now: datetime,
    revised: Collection[str] = (),
) -> Review:
    """Look at every restriction of a handoff for each of its parties. `before` as it is stored, None for a new one."""
    known = (before.disclosure if before else None) or Disclosure()
    restrictions = known.restrictions | frozenset(added)
    permits: dict[tuple[Restriction, str], Permit] = {}
    lacking: dict[tuple[Restriction, str], Why] = {}
    for restriction in sorted(restrictions):
        directives = [directive for directive, _ in consents.of(restriction.patient)]
        for party in sorted(after.parties - {restriction.author}):
            permit, why = permit_for(restriction, party, directives, now)
            if permit is not None:
                permits[restriction, party] = permit
            else:
                lacking[restriction, party] = why
    looked_at = frozenset(permit.consent for permit in known.permits.values())
    change = DisclosureChange(after.id, restrictions - known.restrictions, permits, looked_at | frozenset(revised))
    used = {permit.consent for permit in permits.values()}
    basis = {
        _key(directive.id): stored
        for patient in sorted({restriction.patient for restriction in restrictions})
        for directive, stored in consents.of(patient)
        if directive.id in used
    }
    return Review(before, replace(after, disclosure=known.changed(change)), change, lacking, list(basis.items()))


def carry_out(found: Review, write_set: WriteSet, *, actor: str, now: datetime, told: Callable[[str], bool]) -> None:
    """Put what a review found into the write set: who reads, until when, the lines of the ledger, and the news for whom
    `told` says that it is news."""
    before, after = found.before, found.after
    write_set.disclosures.append(found.change)
    for key, stored in found.basis:
        if stored is None:
            _put_into(write_set, key, after.id)
            continue
        write_set.relied_on.append((key, stored.version))
        if after.id not in stored.handoffs:
            write_set.joined.append((key, after.id))
    ends = {permit.until for permit in found.change.permits.values() if permit.until is not None}
    write_set.deadlines += [Deadline(after.id, f"{EXPIRY}#{end.timestamp():.3f}", end) for end in sorted(ends)]
    reading = before.readers if before else frozenset({after.requester})
    for party in sorted(after.readers - reading):
        basis = after.basis_for(party)
        if basis is not None and basis.consents:
            by_emergency = any(map(emergency.is_by_emergency, basis.consents))
            kind = events.DISCLOSURE_EMERGENCY if by_emergency else events.DISCLOSURE_PERMITTED
            _record(write_set, after, kind, actor, now, party, consents=list(basis.consents))
            if before is not None and party in before.parties and told(party):
                _tell(write_set, after, kind, party)
    joined = after.parties - (before.parties if before else frozenset())
    for party in sorted((joined - reading) & after.parties - after.readers):
        reason = _why_withheld(found, party).code
        _record(write_set, after, events.DISCLOSURE_WITHHELD, actor, now, party, reason=reason)
    for party in sorted(reading & after.parties - after.readers):
        consents, at = _ended(before, party, now)
        detail = {"consents": consents, "reason": _why_withheld(found, party).code, **_awaited_of(after, party)}
        _record(write_set, after, events.DISCLOSURE_ENDED, actor, now, party, at=at, **detail)
        if told(party):
            _tell(write_set, after, events.DISCLOSURE_ENDED, party)
        # Also when it took the Consent back itself: whoever keeps its Consents may not be who follows its handoffs.
        _tell(write_set, after, events.DISCLOSURE_ENDED, after.requester)


def _why_withheld(found: Review, party: str) -> Why:
    """Why a party may not read: of all that it lacks, what came nearest to a permission."""
    return max(why for (_, whom), why in found.lacking.items() if whom == party)


def _ended(before: Handoff | None, party: str, now: datetime) -> tuple[list[str], datetime]:
    """The Consents by which a party has read, and when that ended: now, or when the first of them ran out."""
    basis = before.basis_for(party) if before else None
    if basis is None:
        return [], now
    return list(basis.consents), now if basis.in_force(now) else basis.until or now


def _awaited_of(handoff: Handoff, party: str) -> dict[str, str]:
    """What is awaited of the recipient, to be awaited again as soon as it may read again."""
    action = handoff.next_action
    if action is None or action.who != party:
        return {}
    return {"awaited": action.code, **({"by": format_time(action.by)} if action.by else {})}


def _record(
    write_set: WriteSet,
    handoff: Handoff,
    kind: str,
    actor: str,
    now: datetime,
    party: str,
    *,
    at: datetime | None = None,
    **detail: object,
) -> None:
    line = LedgerEvent(handoff.id, kind, actor, at or now, now, detail={"organisation": party, **detail})
    write_set.events.append(line)


def _tell(write_set: WriteSet, handoff: Handoff, kind: str, subscriber: str) -> None:
    told = Notification(subscriber, handoff.id, kind, ResourceKey("Task", handoff.id))
    if told not in write_set.notifications:
        write_set.notifications.append(told)


def _put_into(write_set: WriteSet, key: ResourceKey, handoff: str) -> None:
    for index, version in enumerate(write_set.resources):
        if version.key == key and handoff not in version.handoffs:
            write_set.resources[index] = replace(version, handoffs=(*version.handoffs, handoff))


def _key(reference: str) -> ResourceKey:
    type_, _, id_ = reference.partition("/")
    return ResourceKey(type_, id_)
