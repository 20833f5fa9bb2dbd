"""The pages of searching: how it is asked, each form with what it finds, and every search parameter of every type."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from example import Example, Scene, call, code, number, table
from whole_house import RECEIVER, SENDER, Got, WholeHouse, bundle, entry

Tree = dict[str, Any]

ME: Final = "_id={person}"
V2_0203: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"

TOKENS: Final = (
    Example("code with its system", "GET Patient?identifier=urn:x|{number}"),
    Example("code of any system", "GET Patient?identifier={number}"),
    Example("any code of a system", f"GET Patient?identifier=urn:x|&{ME}"),
    Example("code without a system", "GET Task?business-status=|mine&_id={task}"),
    Example("`:not`", f"GET Patient?gender:not=male&{ME}"),
    Example("`:text`", "GET ServiceRequest?code:text=follow-up&_id={order}"),
    Example("`:of-type`", f"GET Patient?identifier:of-type={V2_0203}|MR|{{number}}"),
    Example("`:missing`", f"GET Patient?deceased:missing=false&{ME}"),
    Example("one of several", f"GET Patient?gender=male,other&{ME}"),
    Example("all of several", "GET Patient?identifier={number}&gender=other&active=true"),
)
REFERENCES: Final = (
    Example("by type and id", "GET Task?patient=Patient/{person}"),
    Example("by id", "GET Task?patient={person}"),
    Example("by address", "GET Task?patient=http://127.0.0.1:8080/fhir/Patient/{person}"),
    Example("`:Type`", "GET Task?subject:Patient={person}"),
    Example("`:identifier`", "GET Task?requester:identifier=urn:npi|{number}"),
    Example("`:missing`", "GET Task?encounter:missing=true&_id={task}"),
)
DATES: Final = (
    Example("a day", f"GET Patient?birthdate=1991-03-17&{ME}"),
    Example("a month", f"GET Patient?birthdate=1991-03&{ME}"),
    Example("a year", f"GET Patient?birthdate=1991&{ME}"),
    *(
        Example(f"`{prefix}`", f"GET Patient?birthdate={prefix}{day}&{ME}")
        for prefix, day in (
            ("eq", "1991-03-17"), ("ne", "1990"), ("gt", "1991-03-16"), ("lt", "1991-03-18"), ("ge", "1991-03-17"),
            ("le", "1991-03-17"), ("sa", "1991-02"), ("eb", "1991-04"), ("ap", "1991"),
        )
    ),
    Example("between", f"GET Patient?birthdate=ge1991&birthdate=lt1992&{ME}"),
    Example("an instant with its zone", "GET Task?authored-on=2026-03-01T10:00:00%2B01:00&_id={task}"),
    Example("`:missing`", f"GET Patient?death-date:missing=true&{ME}"),
)  # fmt: skip
STRINGS: Final = (
    Example("begins with, whatever case and accents", f"GET Patient?family=mul&{ME}"),
    Example("`:exact`", f"GET Patient?family:exact=Müller&{ME}"),
    Example("`:contains`", f"GET Patient?family:contains=ll&{ME}"),
    Example("with a comma in it", f"GET Patient?address=1\\,%20Main&{ME}"),
    Example("`:missing`", f"GET Patient?email:missing=true&{ME}"),
)
NUMBERS: Final = (
    Example("a number", "GET RiskAssessment?probability=0.8&_id={risk}"),
    Example("a number with a prefix", "GET RiskAssessment?probability=gt0.5&_id={risk}"),
    Example(
        "a quantity with its unit", "GET Observation?value-quantity=5.4|http://unitsofmeasure.org|mg&_id={observed}"
    ),
    Example("a quantity with a prefix", "GET Observation?value-quantity=le6||mg&_id={observed}"),
    Example("of any unit", "GET Observation?value-quantity=5.4&_id={observed}"),
)
QUESTIONNAIRE: Final[Tree] = {"resourceType": "Questionnaire", "status": "draft", "url": "http://example.org/{number}"}
URIS: Final = (
    Example("the whole of it", "GET Questionnaire?url=http://example.org/{number}",
            before=[Example("", "POST Questionnaire", QUESTIONNAIRE)]),
    Example("of a Task", "GET Task?_profile=http://example.org/profile&_id={task}"),
)  # fmt: skip
EVERY_TYPE: Final = (
    Example("`_id`", f"GET Patient?{ME}"),
    Example("`_lastUpdated`", f"GET Patient?_lastUpdated=ge2026&{ME}"),
    Example("`_profile`", "GET Task?_profile=http://example.org/profile&_id={task}"),
    Example("`_tag`", f"GET Patient?_tag=urn:x|tagged&{ME}"),
    Example("`_security`", f"GET Patient?_security=urn:x|label&{ME}"),
    Example("`_source`", f"GET Patient?_source=urn:x:source&{ME}"),
)
FURTHER: Final = (
    Example("chain", "GET Task?patient.family=Müller&_id={task}"),
    Example("chain to one of several types", "GET Task?focus:ServiceRequest.status=active&_id={task}"),
    Example("chain of chains", "GET Task?focus:ServiceRequest.subject:Patient.identifier={number}"),
    Example("`_has`: what such a resource points at", f"GET Patient?_has:Task:patient:status=requested&{ME}"),
    Example("`_has` of `_has`",
            f"GET Patient?_has:ServiceRequest:subject:_has:Task:focus:status=requested&{ME}"),
    Example("`_include`", "GET Task?_id={task}&_include=Task:focus"),
    Example("`_include` of one type only", "GET Task?_id={task}&_include=Task:owner:Organization"),
    Example("all that it points at", "GET Task?_id={task}&_include=*"),
    Example("and on from there", "GET Task?_id={task}&_include=Task:focus&_include:iterate=ServiceRequest:subject"),
    Example("`_revinclude`", f"GET Patient?{ME}&_revinclude=Task:patient"),
    Example("and on from there", f"GET Patient?{ME}&_revinclude=ServiceRequest:subject&_revinclude:iterate=Task:focus"),
)  # fmt: skip
RESULTS: Final = (
    Example("newest first (the default)", f"GET Patient?_sort=-_lastUpdated&{ME}"),
    Example("by a parameter", "GET Patient?_sort=family&identifier={number}"),
    Example("by one parameter, then by another", "GET Patient?_sort=family,-birthdate&identifier={number}"),
    Example("so many at once; `next` leads on", "GET Patient?_count=1&identifier={number}"),
    Example("the total alone", "GET Patient?_count=0&identifier={number}"),
    Example("", "GET Patient?_summary=count&identifier={number}"),
    Example("the total beside a page", "GET Patient?_total=accurate&_count=1&identifier={number}"),
    Example("", "GET Patient?_total=estimate&_count=1&identifier={number}"),
    Example("no total", "GET Patient?_total=none&_count=1&identifier={number}"),
    *(Example("less of each" if kind == "true" else "", f"GET Patient?_summary={kind}&{ME}")
      for kind in ("true", "text", "data", "false")),
    Example("some elements of each", f"GET Patient?_elements=gender,active&{ME}"),
    Example("… of what is included", "GET Task?_id={task}&_include=Task:patient&_elements=status,Patient.gender"),
    Example("an unknown parameter is left out, and told of", f"GET Patient?nonsense=1&{ME}"),
    Example("by POST", "POST Patient/_search", "identifier={number}&active=true",
            {"Content-Type": "application/x-www-form-urlencoded"}),
)  # fmt: skip

PARTS: Final[Mapping[str, Sequence[Example]]] = {
    "tokens": TOKENS, "references": REFERENCES, "dates": DATES, "strings": STRINGS, "numbers": NUMBERS, "uris": URIS,
    "every type": EVERY_TYPE, "further": FURTHER, "results": RESULTS,
}  # fmt: skip


def _sown(scene: Scene, wanted: str) -> str:
    """What the examples find: a person with a request and its Task, an observation, a risk, and somebody with the same
    number; all known from then on."""
    value = scene.named("number")
    person, order = "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b8"
    label = {"system": "urn:x", "code": "label"}
    trees: list[tuple[str, Tree]] = [
        ("person", {
            "resourceType": "Patient", "gender": "other", "active": True, "birthDate": "1991-03-17",
            "deceasedBoolean": False, "name": [{"family": "Müller", "given": ["Rowan"]}],
            "address": [{"line": ["1, Main Street"]}],
            "identifier": [
                {"type": {"coding": [{"system": V2_0203, "code": "MR"}]}, "system": "urn:x", "value": value}],
            "meta": {"tag": [{"system": "urn:x", "code": "tagged"}], "security": [label], "source": "urn:x:source"},
        }),
        ("sibling", {
            "resourceType": "Patient", "active": True, "name": [{"family": "Miller"}],
            "identifier": [{"system": "urn:x", "value": value}],
        }),
        ("order", {
            "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": person},
            "code": {"text": "Follow-up within a week"},
        }),
        ("task", {
            "resourceType": "Task", "status": "requested", "intent": "order", "focus": {"reference": order},
            "meta": {"profile": ["http://example.org/profile"]}, "authoredOn": "2026-03-01T09:00:00Z",
            "businessStatus": {"coding": [{"code": "mine"}]}, "for": {"reference": person},
            "requester": {
                "reference": f"Organization/{SENDER}", "identifier": {"system": "urn:npi", "value": value}},
            "owner": {"reference": f"Organization/{RECEIVER}"},
        }),
        ("observed", {
            "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": person},
            "valueQuantity": {"value": 5.4, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
        }),
        ("risk", {
            "resourceType": "RiskAssessment", "status": "final", "subject": {"reference": person},
            "prediction": [{"probabilityDecimal": 0.8}],
        }),
    ]  # fmt: skip
    urls = {"person": person, "order": order}
    entries = [
        entry("POST", tree["resourceType"], tree, **({"fullUrl": urls[name]} if name in urls else {}))
        for name, tree in trees
    ]
    sent = scene.caller(SENDER).post("", bundle(*entries))
    assert sent.status == 200, sent.tree
    scene.know(**{
        name: place.partition("/")[2] for (name, _), place in zip(trees, sent.located, strict=True)
    })  # fmt: skip
    return scene.named(wanted)


def _maker(name: str) -> Callable[[Scene], str]:
    return lambda scene: _sown(scene, name)


MAKERS: Final[Mapping[str, Callable[[Scene], str]]] = {
    "number": number, **{name: _maker(name) for name in ("person", "order", "task", "observed", "risk")}
}  # fmt: skip


def tried(house: WholeHouse) -> dict[str, list[tuple[Example, Got]]]:
    scene = Scene(house, MAKERS)
    scene.named("person")
    return {part: [(each, scene.tried(each)) for each in PARTS[part]] for part in PARTS}


def drawn(answers: Mapping[str, Iterable[tuple[Example, Got]]]) -> dict[str, str]:
    return {
        part: table(("form", "example", "finds"), [(each.says, call(each), finds(got)) for each, got in examples])
        for part, examples in answers.items()
    }


def finds(got: Got) -> str:
    """`Task`, `ServiceRequest` (include), the total, and whether there is more."""
    entries = got.tree.get("entry", ())
    found = [
        f"{code(each['resource']['resourceType'])}{'' if mode == 'match' else f' ({mode})'}"
        for each in entries
        for mode in [each["search"]["mode"]]
    ]
    total = [f"total {got.tree['total']}"] if "total" in got.tree else []
    more = ["more at `next`"] if any(link["relation"] == "next" for link in got.tree["link"]) else []
    return "; ".join([", ".join(dict.fromkeys(found)) or "no resources", *total, *more])


# Every parameter of every type

VALUES: Final = {
    "Identifier": "urn:oid:2.16.840.1.113883.4.1|123", "CodeableConcept": "http://snomed.info/sct|123456",
    "Coding": "http://snomed.info/sct|123456", "boolean": "true", "code": "active", "string": "example",
    "ContactPoint": "+1-555-555-0100", "id": "example", "uri": "urn:example:x",
}  # fmt: skip
BY_KIND: Final = {
    "date": "ge2026-01-01", "string": "example", "uri": "http://example.org/x", "number": "gt5",
    "quantity": "gt5.4|http://unitsofmeasure.org|mg",
}  # fmt: skip
OWN: Final = {
    ("AuditEvent", "agent"): "Organization/example", ("AuditEvent", "entity"): "Task/example",
    ("AuditEvent", "action"): "R", ("AuditEvent", "type"): "rest", ("AuditEvent", "subtype"): "read",
}  # fmt: skip


@cache
def definitions() -> dict[str, list[Tree]]:
    content: dict[str, list[Tree]] = json.loads(Path("profiles/r4/search-parameters.json").read_bytes())
    return content


def example_of(type_: str, definition: Tree) -> str:
    """A query by one parameter."""
    name, kind = definition["code"], definition["type"]
    if (type_, name) in OWN:
        value = OWN[type_, name]
    elif kind == "reference":
        targets = definition.get("targets") or ["Patient"]
        value = f"{'Patient' if 'Patient' in targets else targets[0]}/example"
    elif kind == "token":
        value = VALUES.get(definition["paths"][0]["type"], "example")
    else:
        value = BY_KIND[kind]
    return f"{type_}?{name}={value}"


def parameters(statement: Tree) -> dict[str, list[tuple[Tree, str]]]:
    """Type (or `Resource`) → definition and example of each parameter that the CapabilityStatement declares."""
    rest = statement["rest"][0]
    declared = {"Resource": [each["name"] for each in rest["searchParam"] if each["name"] != "_has"]}
    declared |= {each["type"]: [p["name"] for p in each.get("searchParam", ())] for each in rest["resource"]}
    found = {}
    for type_, names in declared.items():
        known = {each["code"]: each for each in definitions().get(type_, ())}
        asked = "Patient" if type_ == "Resource" else type_
        found[type_] = [(known[name], example_of(asked, known[name])) for name in names]
    return found


def listed(found: Mapping[str, Sequence[tuple[Tree, str]]]) -> str:
    """A table for each type, under its name."""
    sections = []
    for type_, rows in found.items():
        if not rows:
            continue
        heading = "On every type" if type_ == "Resource" else type_
        sections.append(f"### {heading}\n\n" + table(
            ("parameter", "type", "expression", "example"),
            [(code(d["code"]), d["type"], code(d["expression"]), code(f"GET /fhir/{query}")) for d, query in rows],
        ))  # fmt: skip
    return "\n\n".join(sections)
