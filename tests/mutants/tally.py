"""What came of the mutants: how each was answered, and the table that says so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from adapter.domain.errors import Malformed
from mappings.json_codec import decode
from tests.mutants.mutation import CANARY, Mutant
from tests.mutants.oracle import Where, where
from tests.whole_house import Got

Tree = dict[str, Any]

TAKEN, REFUSED, FAILED = "taken", "refused", "failed"
COVERED = (Where.AT, Where.AROUND)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`faults`: what an answer must never be, in words without content."""

    outcome: str
    where: Where | None = None
    faults: tuple[str, ...] = ()


def judge(mutant: Mutant, got: Got) -> Verdict:
    if got.status >= 500:
        return Verdict(FAILED, faults=(f"answered {got.status}",))
    issues = list(_issues(got))
    if got.status < 400 and not issues:
        return Verdict(TAKEN)
    faults = list(_faults(mutant, got, issues))
    if any(str(each.get("status", "")).startswith("5") for each in _responses(got)):
        return Verdict(FAILED, faults=("an entry was answered 5xx",))
    return Verdict(REFUSED, where(issues, mutant.change.touched, mutant.sent.raw or b"", got.status), tuple(faults))


def _issues(got: Got) -> Iterator[Tree]:
    """The errors: of an answer that is a refusal, of a $validate, of the entries of a batch or message."""
    tree = got.tree
    if not isinstance(tree, dict):
        return
    outcomes = [tree] if tree.get("resourceType") == "OperationOutcome" else []
    if tree.get("type") in ("batch-response", "message"):
        outcomes += [each.get("outcome") or {} for each in _responses(got) if str(each.get("status", "2"))[0] != "2"]
        outcomes += [e["resource"] for e in tree.get("entry", ()) if _type(e.get("resource")) == "OperationOutcome"]
    for outcome in outcomes:
        yield from (i for i in outcome.get("issue", ()) if i.get("severity") in ("error", "fatal"))


def _responses(got: Got) -> list[Tree]:
    tree = got.tree
    entries = tree.get("entry", ()) if isinstance(tree, dict) and tree.get("type") == "batch-response" else ()
    return [entry.get("response", {}) for entry in entries]


def _type(resource: Any) -> Any:
    return resource.get("resourceType") if isinstance(resource, dict) else None


def _faults(mutant: Mutant, got: Got, issues: list[Tree]) -> Iterator[str]:
    if got.status >= 400:
        if mutant.sent.method == "HEAD":
            return
        if not issues:
            yield f"{got.status} without an OperationOutcome"
    for issue in issues:
        if not issue.get("code") or issue["code"] == "exception":
            yield "an issue without a code"
        if not str(issue.get("details", {}).get("text", "")).strip():
            yield "an issue without a text"
    said = json.dumps([[issue.get("details"), issue.get("expression"), issue.get("diagnostics")] for issue in issues])
    if CANARY in said:
        yield "the mutated value is repeated"
    if any(text in said for text in _about_people(mutant.sent.raw)):
        yield "patient data are repeated"


def _about_people(raw: bytes | None) -> set[str]:
    """Strings of what was sent that only a person's data can be: names, numbers, sentences."""
    try:
        tree = decode(raw or b"")
    except Malformed:
        return set()
    return {text for text in _texts(tree, "") if len(text) > 5}


def _texts(node: Any, name: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, name)
    elif isinstance(node, str) and (name in _NAMES_OF_PEOPLE or node.count(" ") > 3):
        yield node


_NAMES_OF_PEOPLE = frozenset({"family", "given", "birthDate", "birth_date", "phone"})


@dataclass
class Tally:
    """Counts verdicts by kind of mutation; keeps an example of everything that asks for a look."""

    verdicts: dict[str, Counter[Any]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[tuple[str, Mutant, Got]] = field(default_factory=list)
    holes: list[tuple[Mutant, Got]] = field(default_factory=list)
    misplaced: list[tuple[Mutant, Got]] = field(default_factory=list)

    def count(self, mutant: Mutant, got: Got) -> Verdict:
        verdict = judge(mutant, got)
        row = self.verdicts.setdefault(mutant.kind, Counter())
        self.statuses[got.status] += 1
        row[verdict.outcome] += 1
        if verdict.outcome == REFUSED:
            row[verdict.where] += 1
            if verdict.where not in COVERED:
                self.misplaced.append((mutant, got))
        elif verdict.outcome == TAKEN and mutant.change.forbidden:
            row["hole"] += 1
            self.holes.append((mutant, got))
        self.faults += ((fault, mutant, got) for fault in verdict.faults)
        return verdict

    def total(self, what: Any) -> int:
        return sum(row[what] for row in self.verdicts.values())

    @property
    def share(self) -> float:
        """Of the refusals, those that say where."""
        return sum(map(self.total, COVERED)) / max(1, self.total(REFUSED))

    def table(self) -> Iterator[str]:
        yield f"{'mutation':<40}{'mutants':>8}{'taken':>8}{'refused':>8}{'failed':>8}{'at':>8}{'around':>8}{'share':>8}"
        for kind in sorted(self.verdicts):
            yield _line(kind, self.verdicts[kind])
        whole: Counter[Any] = Counter()
        for row in self.verdicts.values():
            whole.update(row)
        yield _line("all", whole)


def _line(kind: str, row: Counter[Any]) -> str:
    covered = row[Where.AT] + row[Where.AROUND]
    share = f"{covered / row[REFUSED]:.1%}" if row[REFUSED] else "-"
    counts: Iterable[int] = (
        sum(row[outcome] for outcome in (TAKEN, REFUSED, FAILED)),
        row[TAKEN], row[REFUSED], row[FAILED], row[Where.AT], row[Where.AROUND],
    )  # fmt: skip
    return f"{kind:<40}" + "".join(f"{count:>8,}" for count in counts) + f"{share:>8}"
