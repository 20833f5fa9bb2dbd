"""Nothing that 42 CFR Part 2 restricts is disclosed without the person's Consent: a request that would, is refused.

The last word on a decision, when it is known what is written, what joins which handoff and who takes part. Who takes
part by the clock's doing is never a reason to stop the clock, but does not see what is restricted (docs/consent.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from adapter.domain.consent import Why
from adapter.domain.disclosure import EXPIRY, PART2, Restriction
from adapter.domain.errors import BusinessRule, Issue
from adapter.domain.handoff import Handoff
from adapter.domain.ladder import step_name
from adapter.domain.pathway import BASE_PATHWAY
from adapter.use_cases.climb_ladder import ACTOR, Firing, new_version
from adapter.use_cases.consents import Consents, Review, carry_out, review
from adapter.use_cases.decision import Decision
from adapter.use_cases.ports import NewVersion, Reader, ResourceKey, StoredResource
from adapter.use_cases.renew_consent import follow_consent
from adapter.use_cases.targets import Change
from mappings.emergency import is_emergency, lacking
from mappings.json_codec import decode, encode
from mappings.security_labels import kinds_in, label_codes, patient_of, restricted_kinds_of
from mappings.task import write_handoff

_OF_MANY_HANDOFFS: Final = frozenset(
    {
        *("Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "CareTeam", "Coverage", "Consent"),
        *("Organization", "Location", "HealthcareService", "Endpoint"),
    }
)
"""What says nothing of a handoff by itself; anything else that was part of a restricted one stays restricted."""

_GOT: Final[Mapping[Why, str]] = {
    Why.NO_CONSENT: "got none",
    Why.NOT_ACTIVE: "got one that is not active, not dated (dateTime), or of another scope",
    Why.OTHER_RECIPIENT: "got one that names other recipients",
    Why.OTHER_PURPOSE: "got one for other purposes, or without any",
    Why.OTHER_RECORDS: "got one about other records, or about some of them only",
    Why.NOT_IN_FORCE: "got one whose period has not begun, or is over",
    Why.DENIED: "got one that denies it",
}


def guard_disclosure(decision: Decision) -> None:
    """Raises BusinessRule, located at what is restricted, or at the recipient where that was stored before."""
    # Whatever the answer shows of what was there before, by whichever way it gets there.
    decision.restricted |= restricted_kinds_of(c.before for c in decision.changes if c.before is not None)
    labelled = _label(decision)
    system = decision.world.store.system_reader()
    added = _added(decision, labelled, system)
    consents = {change.key for change in decision.changes if change.writes and _opens(decision, change)}
    decision.write_set.opening = sorted(consents)
    concerned = {*added, *(handoff.id for handoff in decision.handoffs.values() if handoff.disclosure is not None)}
    if consents:
        concerned |= _concerned(decision, system)
    if not concerned:
        return
    written = {version.key: version for version in decision.write_set.resources if version.key in consents}
    found = Consents(system, decision.directory, decision.now, written, decision.known.tree)
    created = {version.key for version in decision.write_set.resources if version.version == 1}
    for id_ in sorted(concerned):
        # First the Task: whoever changes the handoff in between makes a new version of it, and the commit fails.
        key = ResourceKey("Task", id_)
        task = None if key in created else system.read(key)
        before = system.handoff(id_)
        after = decision.handoffs.get(id_) or before
        if after is None or not (added[id_] or (before is not None and before.disclosure is not None)):
            continue
        reviewed = review(before, after, added[id_], found, decision.now, revised=[str(key) for key in consents])
        _refuse_new(decision, reviewed, labelled)
        decision.restricted |= {PART2, *(restriction.kind for restriction in added[id_])}
        carry_out(
            reviewed,
            decision.write_set,
            actor=decision.tenant,
            now=decision.now,
            told=lambda party: party != decision.tenant,
        )
        followed = follow_consent(reviewed, decision.write_set, decision.pathway(after.pathway), system, decision.now)
        if followed is not reviewed.after:
            _put(decision, replace(followed, updated_at=decision.now), task)


def _put(decision: Decision, handoff: Handoff, task: StoredResource | None) -> None:
    """The handoff moved by what became of a Consent, and its Task with it, though nobody may have sent that."""
    write_set = decision.write_set
    write_set.handoffs = [*(h for h in write_set.handoffs if h.id != handoff.id), handoff]
    if handoff.id in decision.handoffs:
        decision.put(handoff)
    for index, version in enumerate(write_set.resources):
        if str(version.key) == f"Task/{handoff.id}" and version.tree is not None:
            write_handoff(version.tree, handoff)
            write_set.resources[index] = replace(version, body=encode(version.tree))
            return
    if task is not None:
        tree = decode(task.body)
        write_handoff(tree, handoff)
        write_set.resources.append(new_version(task, tree, decision.now))


def guard_escalation(firing: Firing, before: Handoff) -> None:
    """After a step of the clock: a Consent may be over, or somebody have been asked to step in whom none covers."""
    if before.disclosure is None:
        return
    if step_name(firing.step.step) != EXPIRY and firing.handoff.parties == before.parties:
        return
    found = review(before, firing.handoff, (), Consents(firing.reader, firing.directory, firing.now), firing.now)
    carry_out(found, firing.write_set, actor=ACTOR, now=firing.now, told=lambda party: True)
    pathways = firing.world.pathways
    pathway = pathways.get(before.pathway) or pathways[BASE_PATHWAY]
    followed = follow_consent(found, firing.write_set, pathway, firing.reader, firing.now)
    if followed is not found.after:
        firing.handoff = followed


def _label(decision: Decision) -> dict[ResourceKey, NewVersion]:
    """What of this change bears a label, by itself or by its Bundle; from now on it carries what that restricts."""
    labelled: dict[ResourceKey, NewVersion] = {}
    sent = {change.key for change in decision.changes} if decision.labels else ()
    for index, version in enumerate(decision.write_set.resources):
        if version.tree is None:
            continue
        kinds = kinds_in(version.tree, version.body)
        if version.key in sent:
            kinds |= decision.labels
        if kinds:
            patient = patient_of(version.tree) or _patient_of_handoff(decision, version.handoffs)
            restrictions = frozenset(Restriction(kind, patient, version.author) for kind in kinds)
            labelled[version.key] = decision.write_set.resources[index] = replace(version, restrictions=restrictions)
    return labelled


def _patient_of_handoff(decision: Decision, handoffs: Iterable[str]) -> str:
    known = (decision.handoff(id_) for id_ in handoffs)
    return next((handoff.patient for handoff in known if handoff is not None and handoff.patient), "")


def _added(
    decision: Decision, labelled: Mapping[ResourceKey, NewVersion], system: Reader
) -> defaultdict[str, set[Restriction]]:
    """Handoff → what becomes restricted in it: by labels, and by what comes to it out of restricted handoffs."""
    added: defaultdict[str, set[Restriction]] = defaultdict(set)
    for version in labelled.values():
        for id_ in version.handoffs:
            added[id_] |= version.restrictions
    for key, id_ in decision.write_set.joined:
        stored = decision.known.stored.get(key)
        if stored is not None and (stored.restrictions or stored.handoffs):
            added[id_] |= {*stored.restrictions, *_brought_along(stored, system)}
    for change in decision.changes:
        if change.before is not None and change.before.handoffs and change.writes:
            for id_ in change.handoffs.difference(change.before.handoffs):
                added[id_] |= _brought_along(change.before, system)
    return added


def _brought_along(stored: StoredResource, system: Reader) -> set[Restriction]:
    if stored.key.type in _OF_MANY_HANDOFFS:
        return set()
    handoffs = (system.handoff(id_) for id_ in stored.handoffs)
    restricted = [handoff.disclosure.general for handoff in handoffs if handoff and handoff.disclosure]
    return {restriction for general in restricted for restriction in general if restriction.author == stored.author}


def _concerned(decision: Decision, system: Reader) -> set[str]:
    """The handoffs that a Consent of this change may open or close: those that it belongs to, and all of the person."""
    created = {str(change.key) for change in decision.changes if change.writes and change.before is None}
    concerned: set[str] = set()
    patients: set[str] = set()
    for change in decision.changes:
        if change.writes and _opens(None, change):
            concerned.update(change.before.handoffs if change.before else ())
            trees = [change.tree, decode(change.before.body) if change.before and change.before.body else None]
            patients |= {patient for tree in trees if tree is not None and (patient := patient_of(tree))}
    # A person who is new here has no handoffs yet: of the Bundles that bring a Consent, nearly every one.
    if known := patients - created:
        concerned.update(handoff.id for handoff in system.restricted_handoffs(known, decision.tenant))
    return concerned


def _opens(decision: Decision | None, change: Change) -> bool:
    """Whether a change writes what may open or close something: a Consent, or what documents an emergency. With
    `decision`, the latter is held against what 42 CFR 2.51(c) asks for. Raises BusinessRule."""
    if change.key.type == "Consent":
        return True
    if change.key.type != "Communication":
        return False
    before = decode(change.before.body) if change.before is not None and change.before.body else {}
    tree = change.tree or {}
    if not is_emergency(tree) and not is_emergency(before):
        return False
    if decision is not None and is_emergency(tree) and tree.get("status") == "completed":
        issues = [
            Issue("business-rule", f"expected {what} (42 CFR 2.51(c)), got none", f"{change.at}.{element}")
            for element, what in lacking(tree, lambda named: getattr(decision.partner(named, tree), "id", None))
        ]
        if issues:
            raise BusinessRule(issues)
    return True


def _refuse_new(decision: Decision, found: Review, labelled: Mapping[ResourceKey, NewVersion]) -> None:
    """What this very request would disclose. What was withheld before stays so, and is no reason to refuse."""
    reading = found.before.readers if found.before else frozenset[str]()
    taking_part = found.before.parties if found.before else frozenset[str]()
    new = {
        (restriction, party): why
        for (restriction, party), why in found.lacking.items()
        if party not in taking_part or (restriction in found.change.restrictions and party in reading)
    }
    if new:
        raise BusinessRule([_issue(decision, found.after, each, why, labelled) for each, why in sorted(new.items())])


def _issue(
    decision: Decision,
    handoff: Handoff,
    lacking: tuple[Restriction, str],
    why: Why,
    labelled: Mapping[ResourceKey, NewVersion],
) -> Issue:
    restriction, party = lacking
    codes = " and ".join(label_codes([restriction.kind]))
    alone = " and nothing else" if restriction.kind != PART2 else ""
    text = (
        f"expected an active Consent of the person, sent by Organization/{restriction.author}, that permits "
        f"Organization/{party} (provision.actor with role IRCP or PRCP) to have what is labelled {codes} "
        f"(provision.securityLabel{alone}) for treatment or coordination of care (provision.purpose TREAT or COC), "
        f"{_GOT[why]}; without it 42 CFR Part 2 forbids the disclosure, and nothing was kept"
    )
    return Issue("business-rule", text, _place(decision, handoff, restriction, labelled))


def _place(
    decision: Decision, handoff: Handoff, restriction: Restriction, labelled: Mapping[ResourceKey, NewVersion]
) -> str:
    sent = [change for change in decision.changes if change.writes]
    bearing = [c for c in sent if restriction in getattr(labelled.get(c.key), "restrictions", ())]
    by_itself: Sequence[str] = [
        f"{c.at}.meta.security" for c in bearing if (c.tree or {}).get("meta", {}).get("security")
    ]
    if by_itself:
        return by_itself[0]
    if bearing:
        return "Bundle.meta.security" if decision.labels else bearing[0].at
    return next((f"{c.at}.owner" for c in sent if str(c.key) == f"Task/{handoff.id}"), sent[0].at if sent else "Task")
