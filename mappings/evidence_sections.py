"""The evidence of a handoff as tables for people, the same for the FHIR document and the web page.

Each section is one question of an auditor. Times stay times until somebody shows them; every line of the ledger appears
in exactly one section, the one that its kind belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from adapter.domain import events
from adapter.domain.disclosure import EXPIRY
from adapter.domain.evidence import Verdict
from adapter.domain.handoff import LedgerEvent
from adapter.domain.ladder import step_name
from adapter.domain.responsibility import ACTIONS
from mappings.contacts import is_live, media_of
from mappings.evidence import Evidence, Tree
from mappings.times import parse_time


class Mark(NamedTuple):
    """A word that must strike the eye. `tone` is `good`, `bad` or `open`; the word says it all without colour."""

    text: str
    tone: str


Cell = str | datetime | Mark | None


@dataclass(frozen=True, slots=True)
class Section:
    """`code` of the evidence-section code system. `entries` are the resources (`Type/id`) and the numbers of the ledger
    lines that it rests on. Without rows it says `nothing`."""

    code: str
    title: str
    says: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    entries: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    nothing: str = "Nothing is recorded."


LATE_FROM: Final = timedelta(minutes=1)
"""Below this, what lies between an event and its record is the way that the message took."""

_GROUPS: Final = {"contact": "contacts", "appointment": "appointments", "deadline": "ladder", "ladder": "ladder"}
_GROUPS.update(delivery="deliveries")


def group_of(kind: str) -> str:
    """The section in which a ledger event of this kind stands."""
    return _GROUPS.get(kind.partition(":")[0], "transitions")


def sections(evidence: Evidence) -> list[Section]:
    """All sections, in the order in which somebody asks who wants to know whether a person was handed over."""
    lines: dict[str, list[tuple[int, LedgerEvent]]] = {}
    for number, event in enumerate(evidence.ledger):
        lines.setdefault(group_of(event.kind), []).append((number, event))
    return [
        _standing(evidence),
        _rules(evidence),
        _gates(evidence),
        _transitions(evidence, lines.get("transitions", ())),
        _contacts(evidence, lines.get("contacts", ())),
        _appointments(evidence, lines.get("appointments", ())),
        _clock(evidence),
        _ladder(evidence, lines.get("ladder", ())),
        _deliveries(evidence, lines.get("deliveries", ())),
        _resources(evidence),
    ]


def timeline(evidence: Evidence) -> Section:
    """All that happened to the handoff in one table; only what the mail did is left out."""
    lines = [(n, event) for n, event in enumerate(evidence.ledger) if group_of(event.kind) != "deliveries"]
    rows = ((e.event_time, _meaning(e), _steps(e), evidence.name(e.actor), lateness(e)) for _, e in lines)
    return Section(
        "timeline",
        "Timeline",
        "What happened, in the order in which it was recorded, and how much later than it happened that was.",
        ("Happened", "Event", "Status", "By", "Recorded"),
        tuple(rows),
        (),
        _numbers(lines),
    )


def lateness(event: LedgerEvent) -> Cell:
    """How much later than it happened an event was recorded; None when at once."""
    gap = event.recorded_time - event.event_time
    if gap < LATE_FROM:
        return None
    return Mark(f"late: {long(gap)}", "bad")


def long(duration: timedelta) -> str:
    """A duration to the unit that says something: nobody asks for the minutes of a delay of days."""
    minutes = int(duration.total_seconds() // 60)
    hours, days = minutes // 60, minutes // 1440
    if days >= 7:
        counts = {"day": days}
    elif days >= 2:
        counts = {"day": days, "hour": hours % 24}
    else:
        counts = {"hour": hours, "minute": minutes % 60}
    said = [f"{count} {unit}{'s' * (count != 1)}" for unit, count in counts.items() if count]
    return " ".join(said) or "less than a minute"


def time_left(by: datetime, now: datetime) -> Cell:
    """How long there is until `by`, or how long it has been overdue."""
    return Mark(f"overdue by {long(now - by)}", "bad") if by < now else f"due in {long(by - now)}"


VERDICTS: Final = {
    Verdict.MET: Mark("met", "good"),
    Verdict.NOT_MET: Mark("not met", "bad"),
    Verdict.NOT_YET: Mark("not yet", "open"),
}
_RECORDED: Final = ("Happened", "Recorded", "Delay")


def _recorded(event: LedgerEvent) -> tuple[Cell, Cell, Cell]:
    return event.event_time, event.recorded_time, lateness(event)


def _standing(evidence: Evidence) -> Section:
    handoff = evidence.handoff
    action = handoff.next_action
    rows: list[tuple[Cell, ...]] = [
        ("Holds the person now", evidence.name(handoff.responsible)),
        ("Next action", f"{evidence.name(action.who)}: {ACTIONS.get(action.code, action.code)}" if action else "none"),
    ]
    if action and action.by:
        rows += [("Due", action.by), ("Time left", time_left(action.by, evidence.at))]
    if handoff.flagged_for_review:
        rows.append(("Governance", Mark("flagged for review", "bad")))
    rows += [
        ("Status", handoff.status),
        ("Business status", handoff.business_status or "none"),
        ("From", evidence.name(handoff.requester)),
        ("To", evidence.name(handoff.owner)),
        ("Pathway", f"{evidence.pathway.title} ({handoff.pathway})"),
    ]
    if handoff.acceptance_deadline:
        rows.append(("To be accepted by", handoff.acceptance_deadline))
    if handoff.risk_tier:
        rows.append(("Risk", handoff.risk_tier))
    return Section(
        "standing",
        "Where it stands",
        "Who holds the person, what is awaited from whom, and by when.",
        ("What", "Is"),
        tuple(rows),
        (evidence.task,),
    )


def _rules(evidence: Evidence) -> Section:
    rows = ((f.rule.says, VERDICTS[f.verdict], _lacking(f.lacking), f.rule.name) for f in evidence.findings)
    return Section(
        "evidence-rules",
        "What must be provable",
        "The evidence rules of the pathway, judged on the ledger and on what the resources say now.",
        ("Rule", "Verdict", "Lacking", "Name"),
        tuple(rows),
        nothing="The pathway has no evidence rule that concerns this handoff.",
    )


def _gates(evidence: Evidence) -> Section:
    rows = (
        (f.stage, f.says, VERDICTS[f.verdict], _lacking(f.lacking), f"gate {f.name}" if f.gate else f"fact {f.name}")
        for f in evidence.gates
    )
    return Section(
        "gates",
        "What each step needed",
        "Facts and gates, judged on what the resources say now. No step is taken while one of its gates is shut.",
        ("Step", "Needed", "Verdict", "Lacking", "Name"),
        tuple(rows),
        nothing="The pathway demands no facts.",
    )


def _transitions(evidence: Evidence, lines: Sequence[tuple[int, LedgerEvent]]) -> Section:
    rows = ((_meaning(e), _steps(e), evidence.name(e.actor), *_recorded(e), _concerning(evidence, e)) for _, e in lines)
    return Section(
        "transitions",
        "What happened",
        "Every step of the lifecycle and every change of content, in the order in which they were recorded.",
        ("Event", "Status", "By", *_RECORDED, "Concerns"),
        tuple(rows),
        (evidence.task,),
        _numbers(lines),
    )


def _contacts(evidence: Evidence, lines: Sequence[tuple[int, LedgerEvent]]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for _, event in lines:
        communication = evidence.resource(event.detail.get("resource")) or {}
        rows.append((
            _meaning(event),
            _medium(communication),
            _people(evidence, [communication["sender"]] if "sender" in communication else []),
            _people(evidence, communication.get("recipient", [])),
            evidence.name(event.actor),
            *_recorded(event),
        ))  # fmt: skip
    return Section(
        "contacts",
        "Contact attempts",
        "A voicemail, a fax or a letter is never a live contact.",
        ("Attempt", "By way of", "From", "To", "Told by", *_RECORDED),
        tuple(rows),
        _keys(evidence, lines, "Communication"),
        _numbers(lines),
        "No contact attempt is recorded.",
    )


def _appointments(evidence: Evidence, lines: Sequence[tuple[int, LedgerEvent]]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for _, event in lines:
        appointment = evidence.resource(event.detail.get("resource")) or {}
        start = parse_time(appointment.get("start")) or "no time stated"
        rows.append((_meaning(event), start, evidence.name(event.actor), *_recorded(event)))
    return Section(
        "appointments",
        "Appointments",
        "What was booked, kept or missed. The time is that of the appointment as it is now.",
        ("Event", "Appointment", "Told by", *_RECORDED),
        tuple(rows),
        _keys(evidence, lines, "Appointment"),
        _numbers(lines),
        "No appointment is recorded.",
    )


def _clock(evidence: Evidence) -> Section:
    return Section(
        "clock",
        "Deadlines",
        "Every step of the clock: when it was or is due, and what became of it.",
        ("Step", "Due", "Outcome", "At"),
        tuple(_of_step(evidence, *step) for step in evidence.clock),
        nothing="No deadline was set.",
    )


def _of_step(
    evidence: Evidence, step: str, due: datetime, fired: datetime | None, cancelled: datetime | None
) -> tuple[Cell, ...]:
    name = step_name(step)
    run = step.partition("#")[2]
    shown = f"{name} (run {run})" if run and name != EXPIRY else name
    if cancelled is not None:
        return shown, due, Mark("no longer needed", "good"), cancelled
    if fired is not None:
        return shown, due, Mark("fell due", "open"), fired
    late = due < evidence.at
    return shown, due, Mark("overdue", "bad") if late else Mark("open", "open"), None


def _ladder(evidence: Evidence, lines: Sequence[tuple[int, LedgerEvent]]) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (_meaning(event), _addressed(evidence, event), *_recorded(event)) for _, event in lines
    ]
    for escalation in evidence.escalations:
        handoff = escalation.handoff
        state = f"Escalation: {handoff.status}" if handoff else "Escalation: known to its two sides only"
        rows.append((state, evidence.name(escalation.owner), handoff.updated_at if handoff else None, None, None))
    return Section(
        "ladder",
        "Missed deadlines and the ladder",
        "What the clock did when nobody answered. No timer changes a status.",
        ("Event", "Concerns", *_RECORDED),
        tuple(rows),
        tuple(escalation.task for escalation in evidence.escalations if escalation.handoff),
        _numbers(lines),
        "No deadline was missed, nobody had to step in.",
    )


def _deliveries(evidence: Evidence, lines: Sequence[tuple[int, LedgerEvent]]) -> Section:
    rows = (
        (
            _meaning(e),
            evidence.name(str(e.detail.get("subscriber", ""))),
            str(e.detail.get("event", "")),
            str(e.detail.get("attempts", e.detail.get("reason", ""))),
            *_recorded(e),
        )
        for _, e in lines
    )
    return Section(
        "deliveries",
        "Delivery receipts",
        "Who was told of what. To be told is not to accept.",
        ("Outcome", "Told", "Of", "Attempts", *_RECORDED),
        tuple(rows),
        (),
        _numbers(lines),
        "No notification was delivered so far.",
    )


def _resources(evidence: Evidence) -> Section:
    rows = []
    for key, kept in evidence.resources.items():
        type_, _, id_ = key.partition("/")
        meta = kept.tree.get("meta", {})
        rows.append((type_, id_, str(meta.get("versionId", "")), str(kept.tree.get("status", ""))))
    return Section(
        "resources",
        "What was sent",
        "Every resource of the handoff as its sender wrote it; each is in this document.",
        ("Type", "Id", "Version", "Status"),
        tuple(rows),
        tuple(evidence.resources),
    )


def _meaning(event: LedgerEvent) -> str:
    says = events.KINDS.get(event.kind, "Recorded.")
    if event.kind == events.CLOCK_MISSED and "clock" in event.detail:
        says = f"The clock {event.detail['clock']} ran out"
    return f"{says.rstrip('.')} ({event.kind})"


def _steps(event: LedgerEvent) -> str:
    return " → ".join(status for status in (event.status_from, event.status_to) if status)


def _concerning(evidence: Evidence, event: LedgerEvent) -> str:
    """The resource; or to whom the handoff was opened or withheld, and by which Consent or why."""
    organisation = event.detail.get("organisation")
    if not isinstance(organisation, str):
        return _subject(event, "resource")
    reason = event.detail.get("reason")
    consents = event.detail.get("consents")
    because = str(reason) if reason else ", ".join(map(str, consents)) if isinstance(consents, list) else ""
    return f"{evidence.name(organisation)}: {because}"


def _subject(event: LedgerEvent, name: str) -> str:
    return str(event.detail.get(name, ""))


def _addressed(evidence: Evidence, event: LedgerEvent) -> str:
    """Whom a rung was addressed to, or which clock ran out; the detail of a line holds codes and partner ids."""
    told = event.detail.get("told")
    if isinstance(told, list):
        return ", ".join(evidence.name(str(partner)) for partner in told)
    owner = event.detail.get("owner")
    return evidence.name(str(owner)) if owner else str(event.detail.get("clock") or "both sides")


def _medium(communication: Tree) -> str:
    codes = ", ".join(sorted(media_of(communication))) or "not stated"
    return f"{codes} (live)" if is_live(communication) else codes


def _people(evidence: Evidence, references: Iterable[Tree]) -> str:
    return ", ".join(_person(evidence, element) for element in references) or "not stated"


def _person(evidence: Evidence, element: Tree) -> str:
    """Who a Reference names, as its resource tells; a role by the person in it."""
    reference = str(element.get("reference", ""))
    type_, _, id_ = reference.rpartition("/")
    if type_ == "Organization" and id_ in evidence.names:
        return evidence.name(id_)
    tree = evidence.resource(reference) or {}
    if isinstance(practitioner := tree.get("practitioner"), dict):
        return _person(evidence, practitioner)
    return name_of(tree) or str(element.get("display") or reference or "not stated")


def name_of(tree: Tree) -> str:
    """The name of a person, place or organisation as its resource tells it; empty when it tells none."""
    names = tree.get("name")
    if isinstance(names, str):
        return names
    if isinstance(names, list) and names and isinstance(names[0], dict):
        name = names[0]
        return str(name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")])).strip()
    return ""


def _lacking(lacking: Sequence[str]) -> str:
    return "; ".join(lacking).replace("`", "")


def _numbers(lines: Sequence[tuple[int, LedgerEvent]]) -> tuple[int, ...]:
    return tuple(number for number, _ in lines)


def _keys(evidence: Evidence, lines: Sequence[tuple[int, LedgerEvent]], type_: str) -> tuple[str, ...]:
    """The resources of the lines, and those of the type that no line speaks of."""
    told = [str(event.detail.get("resource")) for _, event in lines]
    return tuple(dict.fromkeys(key for key in (*told, *_of_type(evidence, type_)) if key in evidence.resources))


def _of_type(evidence: Evidence, type_: str) -> Iterator[str]:
    return (key for key in evidence.resources if key.startswith(f"{type_}/"))
