"""Security labels (https://hl7.org/fhir/R4/security-labels.html) ⇄ what 42 CFR Part 2 restricts.

Which labels count, and why confidentiality alone does not: docs/adr/0014. Inside a resource they stand as inline labels
of HL7's Data Segmentation for Privacy (https://hl7.org/fhir/uv/security-label-ds4p/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final, Protocol

from adapter.domain.consent import CONFIDENTIAL
from adapter.domain.disclosure import COUNSELING_NOTES, NOTICE, PART2

Tree = dict[str, Any]

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
DISPLAY: Final = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-display"
NOTICE_HEADER: Final = {"Redisclosure-Notice": NOTICE}
"""The same beside a single resource, which stays as it was sent."""

_PART2_CODES: Final = frozenset({"42CFRPart2", "ETH", "SUD", "ETHUD", "OPIOIDUD"})
_NOTE_CODE: Final = "PSYTHPN"
_INLINE: Final = b"inline-sec-label"
_CARRYING: Final = frozenset({"Bundle", "Parameters"})
_PATIENT_ELEMENTS: Final = ("subject", "patient", "for", "beneficiary", "individual")


def restricted_kinds(labels: Iterable[Tree]) -> frozenset[str]:
    """What these Codings restrict: PART2, with COUNSELING_NOTES where they say so too; nothing for all others.

    Codes go by themselves: an old or a misspelt system must not make a record free."""
    codes = {label.get("code") for label in labels}
    if not codes & _PART2_CODES:
        return frozenset()
    return frozenset({PART2, COUNSELING_NOTES} if _NOTE_CODE in codes else {PART2})


def consented_kind(labels: Iterable[Tree]) -> frozenset[str] | None:
    """What a provision with these labels is about; None without any. Several narrow: notes alone, where both are."""
    codes = {label.get("code") for label in labels}
    if not codes:
        return None
    if _NOTE_CODE in codes:
        return frozenset({COUNSELING_NOTES})
    if codes & _PART2_CODES:
        return frozenset({PART2})
    return frozenset({CONFIDENTIAL}) if codes & {"R", "V"} else frozenset()


def kinds_in(tree: Tree, body: bytes) -> frozenset[str]:
    """What the labels of a resource restrict, on it or within it; `body` is `tree` as JSON. Quick where none is."""
    meta = tree.get("meta")
    labels = meta.get("security") if meta else None
    within = _INLINE in body or tree["resourceType"] in _CARRYING
    if not labels and not within:
        return frozenset()
    return restricted_kinds([*(labels or ()), *_within(tree)] if within else labels or ())


def _within(tree: Tree) -> Iterable[Tree]:
    """Inline labels, and those of resources that this one carries."""
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if type(node) is list:
            stack.extend(node)
        elif type(node) is dict:
            if str(node.get("url", "")).endswith("inline-sec-label") and type(node.get("valueCoding")) is dict:
                yield node["valueCoding"]
            if type(meta := node.get("meta")) is dict:
                yield from meta.get("security", ())
            stack.extend(value for value in node.values() if type(value) in (dict, list))


def patient_of(tree: Tree) -> str | None:
    """`Patient/id` whom a resource is about, as far as it says so itself."""
    if tree["resourceType"] == "Patient":
        return f"Patient/{tree['id']}"
    for element in _PATIENT_ELEMENTS:
        named = tree.get(element)
        reference = named.get("reference") if type(named) is dict else None
        if type(reference) is str and reference.startswith("Patient/"):
            return reference.partition("/_history/")[0]
    return None


def bundle_kinds(bundle: Tree) -> frozenset[str]:
    """What the labels of a Bundle restrict in everything that it brings."""
    return restricted_kinds((bundle.get("meta") or {}).get("security") or ())


class _Shown(Protocol):
    @property
    def restricted_kinds(self) -> frozenset[str]: ...


def restricted_kinds_of(shown: Iterable[_Shown]) -> frozenset[str]:
    """The highest of what is shown together holds for all of it."""
    return frozenset().union(*[each.restricted_kinds for each in shown])


def label_codes(kinds: Collection[str]) -> list[str]:
    return ["42CFRPart2", *([_NOTE_CODE] if COUNSELING_NOTES in kinds else [])]


def labels(kinds: Collection[str]) -> list[Tree]:
    """As Codings, for what carries such resources: the highest label, why, and that it goes no further."""
    return [
        {"system": CONFIDENTIALITY, "code": "R", "display": "restricted"},
        *({"system": ACT_CODE, "code": code} for code in label_codes(kinds)),
        {"system": ACT_CODE, "code": "NORDSCLCD", "display": "no redisclosure without consent directive"},
    ]


def labelled_meta(meta: Tree | None, kinds: Collection[str]) -> Tree | None:
    """`meta` of a Bundle that carries restricted resources: their highest label, and the notice, to be displayed."""
    if not kinds:
        return meta
    notice = {"url": DISPLAY, "valueAnnotation": {"text": NOTICE}}
    return {**(meta or {}), "extension": [notice], "security": labels(kinds)}
