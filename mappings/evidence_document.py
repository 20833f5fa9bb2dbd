"""Evidence → a FHIR document: Composition first, then everything that it speaks of.

https://hl7.org/fhir/R4/documents.html. Each line of the ledger is a Provenance (occurred: when it happened, recorded:
when it was written down), each verdict a VerificationResult, each section readable by itself. What partners sent goes
in byte by byte; what is made here refers to it by its full URL, so that every reference resolves inside the Bundle.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from adapter.domain import events
from adapter.domain.evidence import Verdict
from adapter.domain.handoff import LedgerEvent
from mappings.canonicals import (
    EVENT_SYSTEM,
    EVIDENCE_SECTION_SYSTEM,
    EXT_LACKING,
    FACT_SYSTEM,
    PATHWAY_RULE_SYSTEM,
    event_code,
)
from mappings.evidence import Evidence, Tree
from mappings.evidence_sections import VERDICTS, Cell, Mark, Section, sections
from mappings.json_codec import encode
from mappings.narrative import narrative, paragraph, table
from mappings.security_labels import labelled_meta
from mappings.times import format_time

URI_SYSTEM: Final = "urn:ietf:rfc3986"
PARTICIPANT_TYPE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
FAILURE_ACTION_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/failure-action"

_NAMESPACE: Final = UUID("0b5f2f3c-8d0e-5b55-9a70-3f4a4a0f6d11")
_STATUS: Final = {Verdict.MET: "validated", Verdict.NOT_MET: "val-fail", Verdict.NOT_YET: "in-process"}
"""Verdict → https://hl7.org/fhir/R4/valueset-verificationresult-status.html"""


def to_fhir(evidence: Evidence, base_url: str) -> bytes:
    """The document Bundle as JSON. `base_url`: the FHIR base, without a slash at the end."""
    document = _Document(evidence, base_url)
    return encode(
        {
            "resourceType": "Bundle",
            **({"meta": labelled_meta(None, evidence.restricted)} if evidence.restricted else {}),
            "identifier": {"system": URI_SYSTEM, "value": f"urn:uuid:{evidence.id}"},
            "type": "document",
            "timestamp": format_time(evidence.at),
            "entry": list(document.entries()),
        }
    )


class _Document:
    """The Bundle while it is put together: what has which full URL, and who stands for whom."""

    def __init__(self, evidence: Evidence, base_url: str):
        self._evidence = evidence
        self._base = base_url
        self._stored = {**evidence.resources, **evidence.beside}
        self._made = "{}:{}".format(evidence.handoff.id, "{}")
        self._task = f"{base_url}/{evidence.task}"
        self._device = self._number("adapter")
        self._rules = [*self._gate_results(), *self._rule_results()]

    def entries(self) -> Iterator[Tree]:
        yield _entry(f"urn:uuid:{self._evidence.id}", self._composition())
        yield _entry(self._device, _device())
        for key, kept in self._stored.items():
            yield {"fullUrl": f"{self._base}/{key}", "resource": orjson.Fragment(kept.body)}
        for number, event in enumerate(self._evidence.ledger):
            yield _entry(self._line(number), self._provenance(event, self._task))
        for full_url, event, target in self._of_escalations():
            yield _entry(full_url, self._provenance(event, target))
        for _, full_url, result in self._rules:
            yield _entry(full_url, result)

    def _composition(self) -> Tree:
        evidence, handoff = self._evidence, self._evidence.handoff
        tree: Tree = {
            "resourceType": "Composition",
            "id": evidence.id,
            "identifier": {"system": URI_SYSTEM, "value": f"urn:uuid:{evidence.id}"},
            "status": "final",
            "type": {"coding": [{"system": EVIDENCE_SECTION_SYSTEM, "code": "handoff-evidence"}],
                     "text": "Evidence of a handoff"},
            "date": format_time(evidence.at),
            "author": [{"reference": self._device, "display": "Handoff Adapter"}],
            "title": f"Evidence of the handoff {evidence.title}",
            "event": [{
                "period": {"start": format_time(handoff.authored_on), "end": format_time(evidence.at)},
                "detail": [{"reference": self._task}],
            }],
        }  # fmt: skip
        if handoff.patient and self._knows(handoff.patient):
            tree["subject"] = {"reference": f"{self._base}/{handoff.patient}"}
        tree["text"] = narrative(
            paragraph(f"{tree['title']}. Made at {_text(evidence.at)}; all times are in UTC."),
            paragraph("An event has the time at which it happened and the time at which it was recorded."),
        )
        tree["section"] = [self._section(section) for section in sections(evidence)]
        return tree

    def _section(self, section: Section) -> Tree:
        references = [f"{self._base}/{key}" for key in section.entries if self._knows(key)]
        references += [self._line(number) for number in section.lines]
        references += [full_url for code, full_url, _ in self._rules if code == section.code]
        if section.code == "ladder":
            references += [full_url for full_url, _, _ in self._of_escalations()]
        tree: Tree = {
            "title": section.title,
            "code": {"coding": [{"system": EVIDENCE_SECTION_SYSTEM, "code": section.code}]},
            "text": narrative(*_blocks(section)),
        }
        if references:
            tree["entry"] = [{"reference": reference} for reference in dict.fromkeys(references)]
        return tree

    def _of_escalations(self) -> Iterator[tuple[str, LedgerEvent, str]]:
        """(full URL, line of its ledger, full URL of its Task) of the escalations that may be read."""
        for escalation in self._evidence.escalations:
            for number, event in enumerate(escalation.ledger):
                task = f"{self._base}/{escalation.task}"
                yield self._number(f"{escalation.task}:{number}"), event, task

    def _provenance(self, event: LedgerEvent, task: str) -> Tree:
        targets = [task, *(f"{self._base}/{key}" for key in _keys_in(event) if self._knows(key))]
        status = " → ".join(s for s in (event.status_from, event.status_to) if s)
        says = events.KINDS.get(event.kind, event.kind)
        return {
            "resourceType": "Provenance",
            "target": [{"reference": target} for target in dict.fromkeys(targets)],
            "occurredDateTime": format_time(event.event_time),
            "recorded": format_time(event.recorded_time),
            "activity": {
                "coding": [{"system": EVENT_SYSTEM, "code": event_code(event.kind)}],
                "text": f"{says} ({status})" if status else says,
            },
            "agent": [{
                "type": {"coding": [{"system": PARTICIPANT_TYPE_SYSTEM, "code": "performer"}]},
                "who": self._who(event.actor),
            }],
        }  # fmt: skip

    def _who(self, actor: str) -> Tree:
        key = f"Organization/{actor}"
        if self._knows(key):
            return {"reference": f"{self._base}/{key}", "display": self._evidence.name(actor)}
        if actor in self._evidence.names:
            return {"display": self._evidence.name(actor)}
        return {"reference": self._device, "display": "Handoff Adapter"}

    def _gate_results(self) -> Iterator[tuple[str, str, Tree]]:
        for finding in self._evidence.gates:
            name = f"{finding.stage}.{finding.name}"
            codings = [] if finding.gate else [{"system": FACT_SYSTEM, "code": finding.name}]
            result = self._result(name, codings, finding.says, finding.verdict, finding.lacking, "fatal")
            result["targetLocation"] = [finding.element]
            yield "gates", self._number(f"gate:{name}:{finding.gate}"), result

    def _rule_results(self) -> Iterator[tuple[str, str, Tree]]:
        for finding in self._evidence.findings:
            name = f"evidence.{finding.rule.name}"
            result = self._result(name, [], finding.rule.says, finding.verdict, finding.lacking, "warn")
            yield "evidence-rules", self._number(f"rule:{name}"), result

    def _result(
        self, name: str, codings: list[Tree], says: str, verdict: Verdict, lacking: tuple[str, ...], action: str
    ) -> Tree:
        """https://hl7.org/fhir/R4/verificationresult.html: who checked what of the Task, and what came out."""
        words = [paragraph(f"{VERDICTS[verdict].text}: {says}")]
        words += [paragraph(f"Lacking: {'; '.join(lacking)}")] if lacking else []
        rule = {"system": PATHWAY_RULE_SYSTEM, "code": f"{self._evidence.pathway.name}.{name}"}
        return {
            "resourceType": "VerificationResult",
            "text": narrative(*words),
            **({"extension": [{"url": EXT_LACKING, "valueString": text} for text in lacking]} if lacking else {}),
            "target": [{"reference": self._task}],
            "status": _STATUS[verdict],
            "statusDate": format_time(self._evidence.at),
            "validationProcess": [{"coding": [rule, *codings], "text": says}],
            "failureAction": {"coding": [{"system": FAILURE_ACTION_SYSTEM, "code": action}]},
        }

    def _knows(self, key: str) -> bool:
        return key in self._stored

    def _line(self, number: int) -> str:
        return self._number(f"line:{number}")

    def _number(self, name: str) -> str:
        """The same for the same thing in every document of this handoff."""
        return f"urn:uuid:{uuid5(_NAMESPACE, self._made.format(name))}"


def _device() -> Tree:
    return {
        "resourceType": "Device",
        "deviceName": [{"name": "Handoff Adapter", "type": "user-friendly-name"}],
    }


def _entry(full_url: str, resource: Tree) -> Tree:
    return {"fullUrl": full_url, "resource": {**resource, "id": full_url.removeprefix("urn:uuid:")}}


def _keys_in(event: LedgerEvent) -> Iterator[str]:
    """The resources that a line of the ledger speaks of."""
    for name in ("resource", "task", "contact"):
        told: Any = event.detail.get(name)
        if isinstance(told, str):
            yield from told.split(", ")


def _blocks(section: Section) -> list[str]:
    if not section.rows:
        return [paragraph(section.says), paragraph(section.nothing)]
    rows = ([_text(cell) for cell in row] for row in section.rows)
    return [paragraph(section.says), table(section.columns, rows)]


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Mark(text, _):
            return text
        case datetime():
            return f"{cell.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        case _:
            return cell
