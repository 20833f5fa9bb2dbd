"""The lifecycle of a handoff: every rule about Task.status is in TRANSITIONS, and none is anywhere else.

Two sides meet on one Task (https://hl7.org/fhir/R4/task.html#statemachine). The *initiator* (Task.requester) holds
the person until the *recipient* (Task.owner) has accepted; the recipient holds the person from then on; a refusal, a
failure or a cancellation gives the person back. A timer is nobody: it never changes a status. What the table does not
list is refused, and the refusal says what the status is, what was asked, and who may do what next.

`docs/lifecycle.md` is drawn from this table by `draw_diagram` and `draw_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, NamedTuple

from adapter.domain.errors import BusinessRule, Issue

Stage = Literal["request", "accept", "complete"]
STAGES: Final[tuple[Stage, ...]] = ("request", "accept", "complete")


class Side(Enum):
    """The two sides of a handoff, by the words that texts for people use."""

    REQUESTER = "initiator"
    OWNER = "recipient"


R, O = Side.REQUESTER, Side.OWNER  # noqa: E741 - the letters of the table, as in the design


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks for a change. In a handoff inside one organisation a party is on both sides.

    `abort_requested`: the initiator has asked for this Task to be aborted (a Task with code `abort` whose focus is this
    Task, https://hl7.org/fhir/R4/codesystem-task-code.html) and the request is open. `recipient_shut_out`: no Consent
    lets the recipient read the handoff, so that it cannot answer."""

    is_requester: bool = False
    is_owner: bool = False
    abort_requested: bool = False
    recipient_shut_out: bool = False

    @classmethod
    def of(
        cls,
        organisation: str,
        requester: str,
        owner: str,
        *,
        abort_requested: bool = False,
        recipient_shut_out: bool = False,
    ) -> Party:
        """The party that `organisation` is, all three being partner ids; `owner` is the *current* owner."""
        return cls(organisation == requester, organisation == owner, abort_requested, recipient_shut_out)

    def acts_for(self, side: Side) -> bool:
        return self.is_requester if side is R else self.is_owner

    @property
    def name(self) -> str:
        if self.is_requester and self.is_owner:
            return "initiator and recipient"
        return R.value if self.is_requester else O.value if self.is_owner else "neither initiator nor recipient"


class Transition(NamedTuple):
    """One allowed step; `source` None is the birth of the Task. `gate`: the stage whose facts and gates must be met."""

    source: str | None
    target: str
    who: Side
    gate: Stage | None
    needs_status_reason: bool
    responsible: Side
    after_abort_request: bool = False


class _Rule(NamedTuple):
    sources: tuple[str | None, ...]
    target: str
    who: Side
    responsible: Side
    gate: Stage | None = None
    needs_status_reason: bool = False
    after_abort_request: bool = False


NON_TERMINAL: Final = ("draft", "requested", "received", "accepted", "in-progress", "on-hold")

# fmt: off
_RULES: Final = (
    # A new handoff is prepared (draft) or sent at once (requested). "The initiator is responsible until `accepted`."
    _Rule((None,), "draft", R, responsible=R),
    _Rule((None, "draft"), "requested", R, responsible=R, gate="request"),
    # Delivery is not acceptance: a recipient that has read the request has not taken the person over.
    _Rule(("requested",), "received", O, responsible=R),
    # "A warm handoff transfers responsibility, not just information": the one step that moves the person.
    _Rule(("requested", "received"), "accepted", O, responsible=O, gate="accept"),
    _Rule(("requested", "received"), "rejected", O, responsible=R, needs_status_reason=True),
    # The initiator may cancel by itself until the work is under way (as in HL7's Clinical Order Workflow guide).
    _Rule(("requested", "received", "accepted"), "cancelled", R, responsible=R, needs_status_reason=True),
    _Rule(("accepted", "on-hold"), "in-progress", O, responsible=O),
    _Rule(("accepted", "in-progress"), "on-hold", O, responsible=O, needs_status_reason=True),
    # A recipient that cannot go on gives the person back, in the open.
    _Rule(("accepted", "in-progress", "on-hold"), "failed", O, responsible=R, needs_status_reason=True),
    # Not before the first contact has happened: acceptance alone never closes a handoff.
    _Rule(("in-progress",), "completed", O, responsible=O, gate="complete"),
    # Afterwards the initiator asks by a Task with code `abort`; only the recipient knows what has to be stopped. While
    # the recipient may not read the Task it can confirm nothing: then the initiator takes the person back by itself.
    _Rule(("in-progress", "on-hold"), "cancelled", O, responsible=R,
          needs_status_reason=True, after_abort_request=True),
    _Rule(NON_TERMINAL, "entered-in-error", R, responsible=R),
)
# fmt: on

TRANSITIONS: Final[dict[tuple[str | None, str], Transition]] = {
    (source, rule.target): Transition(
        source,
        rule.target,
        rule.who,
        rule.gate,
        rule.needs_status_reason,
        rule.responsible,
        rule.after_abort_request,
    )
    for rule in _RULES
    for source in rule.sources
}

RESPONSIBLE: Final[dict[str, Side]] = {step.target: step.responsible for step in TRANSITIONS.values()}
"""Status → the side that holds the person in it; the same whichever way the status was reached."""

STATUSES: Final = tuple(RESPONSIBLE)
"""The statuses in use. R4's `ready` is not: nobody's step leads to it."""

TERMINAL: Final = frozenset(STATUSES) - frozenset(NON_TERMINAL)


def allowed_next(current: str | None) -> tuple[Transition, ...]:
    """The steps that lead on from `current`; empty for a terminal or unknown status."""
    return tuple(step for (source, _), step in TRANSITIONS.items() if source == current)


def check_transition(current: str | None, target: str, party: Party) -> Transition:
    """The step from `current` (None: the Task is new) to `target`, if `party` may take it. Gates and statusReason are
    the caller's to check, as the Transition says. An update that leaves the status alone is no transition: do not ask.

    Raises BusinessRule at Task.status."""
    step = TRANSITIONS.get((current, target))
    if step is None:
        raise _refusal(f"{_asked(current, target)}, which does not follow", current)
    if step.after_abort_request and party.is_requester and party.recipient_shut_out:
        return step
    if not party.acts_for(step.who):
        how = ""
        if step.after_abort_request:
            how = (
                " once the initiator has asked for it by a Task with code `abort` whose focus is this Task, or the "
                "initiator itself while no Consent lets the recipient read it"
            )
        raise _refusal(
            f"{_asked(current, target)}, which only the {step.who.value} may do{how}; the asking organisation is "
            f"{_with_article(party)}",
            current,
        )
    if step.after_abort_request and not party.abort_requested and not party.is_requester:
        raise _refusal(
            f"{_asked(current, target)}, which the recipient may do only after the initiator asked for it by a Task "
            "with code `abort` whose focus is this Task; the recipient alone may set `failed` with a statusReason",
            current,
        )
    return step


def check_status_reason(step: Transition, has_reason: bool) -> None:
    """Raises BusinessRule at Task.statusReason when the step needs a reason and there is none."""
    if step.needs_status_reason and not has_reason:
        text = f"expected Task.statusReason with Task.status `{step.target}`: the other side must learn why; got none"
        raise BusinessRule([Issue("business-rule", text, "Task.statusReason")])


def _asked(current: str | None, target: str) -> str:
    if current is None:
        return f"a new Task was sent with status `{target}`"
    if current == target:
        return f"Task.status is already `{current}`; asked for `{target}` again"
    return f"Task.status is `{current}`; asked for `{target}`"


def _with_article(party: Party) -> str:
    return party.name if party.name.startswith("neither") else f"the {party.name}"


def _refusal(text: str, current: str | None) -> BusinessRule:
    return BusinessRule([Issue("business-rule", f"{text}. Next, {who_may_do_what(current)}", "Task.status")])


def who_may_do_what(current: str | None) -> str:
    """A sentence for people: which status each side may set next."""
    steps = allowed_next(current)
    if not steps:
        if current in TERMINAL:
            return f"nobody may change it: `{current}` is final; a new Task may replace it (extension task-replaces)"
        return f"nobody may change it: expected one of {', '.join(STATUSES)}"
    if current is None:
        return f"the initiator may send {_listed(steps)}; the recipient answers by an update of that Task"
    sides = (
        (side, [step for step in steps if step.who is side])
        for side in (Side.REQUESTER, Side.OWNER)  # the same order in every text
    )
    return "; ".join(f"the {side.value} may set {_listed(own)}" for side, own in sides if own)


def _listed(steps: list[Transition] | tuple[Transition, ...]) -> str:
    return ", ".join(f"`{step.target}`" + (" after an abort request" * step.after_abort_request) for step in steps)


def draw_diagram() -> str:
    """The table as a Mermaid state diagram (https://mermaid.js.org/syntax/stateDiagram.html)."""
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{status}" as {_node(status)}' for status in STATUSES if "-" in status]
    for step in TRANSITIONS.values():
        notes = [step.who.value]
        notes += [f"{step.gate} gate"] * (step.gate is not None)
        notes += ["reason"] * step.needs_status_reason
        notes += ["after abort request"] * step.after_abort_request
        lines.append(f"    {_node(step.source)} --> {_node(step.target)}: {', '.join(notes)}")
    lines += [f"    {_node(status)} --> [*]" for status in STATUSES if status in TERMINAL]
    return "\n".join(lines)


def _node(status: str | None) -> str:
    return "[*]" if status is None else status.replace("-", "_")


def draw_table() -> str:
    """The rules as a Markdown table, a row a rule."""
    lines = ["| from | to | who may | must be met | responsible after |", "|---|---|---|---|---|"]
    for rule in _RULES:
        needs = [f"facts and gates of stage `{rule.gate}`"] * (rule.gate is not None)
        needs += ["statusReason"] * rule.needs_status_reason
        needs += ["an abort request of the initiator, which itself may while no Consent lets the recipient read"] * (
            rule.after_abort_request
        )
        sources = ", ".join("(new)" if source is None else source for source in rule.sources)
        cells = (sources, rule.target, rule.who.value, "; ".join(needs), rule.responsible.value)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
