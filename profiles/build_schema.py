"""Writes a JSON Schema of every R4 shape from the StructureDefinitions (https://hl7.org/fhir/R4/json.html).

The published `fhir.schema.json` lacks required primitives, real dates and null placeholders in arrays of primitives,
and it takes hundreds of alternatives to find out which resource is meant. So the schema is written anew: one
definition a shape; a nested resource is only asked for its `resourceType`, the validator then looks that type up.
What a schema says badly stays in native code: choices, null placeholders at the right places, invariants.
Draft 4, because there 1.0 is not an integer. Used by `profiles/build_r4.py` only.
"""

from __future__ import annotations

from typing import Any

from profiles.r4_definitions import ANY, Definitions, Element, Shape

Json = dict[str, Any]

_YEAR = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_LEAP_YEAR = r"([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
_DAY_OF_YEAR = (
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_DAY = rf"({_YEAR}-{_DAY_OF_YEAR}|{_LEAP_YEAR}-02-29)"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_ALLOWED = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]"
_TEXT = rf"^{_ALLOWED}*[^\x00-\x20]{_ALLOWED}*$"
"""No control character and something besides white space; FHIR's own pattern would let U+0001 pass."""
_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

_STRING_PATTERNS = {
    "base64Binary": r"^\s*(([0-9a-zA-Z+/=]\s*){4})+$",
    "canonical": r"^\S+$",
    "code": r"^[^\s]+(\s[^\s]+)*$",
    "date": rf"^({_YEAR}(-(0[1-9]|1[0-2]))?|{_DAY})$",
    "dateTime": rf"^({_YEAR}(-(0[1-9]|1[0-2]))?|{_DAY}(T{_TIME}{_ZONE})?)$",
    "id": r"^[A-Za-z0-9\-.]{1,64}$",
    "instant": rf"^{_DAY}T{_TIME}{_ZONE}$",
    "markdown": _TEXT,
    "oid": r"^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$",
    "string": _TEXT,
    "time": rf"^{_TIME}$",
    "uri": r"^\S+$",
    "url": r"^\S+$",
    "uuid": rf"^urn:uuid:{_GUID}$",
    "xhtml": _TEXT,
}
_LARGEST = 2**31 - 1
_PRIMITIVES: dict[str, Json] = {
    "boolean": {"type": "boolean"},
    "decimal": {"type": "number"},
    "integer": {"type": "integer", "minimum": -_LARGEST - 1, "maximum": _LARGEST},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": _LARGEST},
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": _LARGEST},
    **{name: {"type": "string", "pattern": pattern} for name, pattern in _STRING_PATTERNS.items()},
}
_ATTRIBUTES = {"id", "Extension.url", "Narrative.div"}
"""XML attributes (and XHTML): they cannot carry extensions, so they have no `_sibling`."""
_ANY_RESOURCE: Json = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": {"type": "string"}},
}


def schema(definitions: Definitions) -> dict[str, Json]:
    """Definition name → schema. `x?` is a nullable `x`, for arrays of primitives and of their siblings."""
    result = dict(_PRIMITIVES)
    result.update((f"{name}?", _nullable(one)) for name, one in _PRIMITIVES.items())
    for shape in definitions.shapes.values():
        if shape.kind != "primitive" and shape.name != "DomainResource":
            result[shape.name] = _ANY_RESOURCE if shape.name == ANY else _object(shape)
    result["Element?"] = _nullable(result["Element"])
    return result


def _nullable(one: Json) -> Json:
    return {**one, "type": [one["type"], "null"]}


def _object(shape: Shape) -> Json:
    properties: Json = {}
    required: list[str] = []
    any_of: list[list[str]] = []
    if shape.kind == "resource":
        properties["resourceType"] = {"enum": [shape.name]}
        required.append("resourceType")
    for element in shape.elements:
        names = _properties(shape, element)
        properties.update(names)
        if element.minimum > 0:
            if len(names) == 1:
                required.extend(names)
            else:
                any_of.append(list(names))
    result: Json = {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}
    if required:
        result["required"] = required
    if any_of:
        result["allOf"] = [{"anyOf": [{"required": [name]} for name in names]} for names in any_of]
    return result


def _properties(shape: Shape, element: Element) -> Json:
    """The JSON properties of one element: one, or one per type of a choice, each with its sibling if primitive."""
    properties: Json = {}
    for name, type_ in element.json_names().items():
        type_name = "id" if name == "id" and shape.kind == "resource" else type_.name
        primitive = type_name in _PRIMITIVES
        properties[name] = _repeated(element, _value(element, type_name))
        if primitive and name not in _ATTRIBUTES and f"{shape.name}.{name}" not in _ATTRIBUTES:
            properties[f"_{name}"] = _repeated(element, _ref("Element?" if element.many else "Element"))
    return properties


def _value(element: Element, type_name: str) -> Json:
    if type_name == "code" and element.codes:
        codes: Json = {"type": "string", "enum": list(element.codes)}
        return {"type": ["string", "null"], "enum": [*element.codes, None]} if element.many else codes
    return _ref(f"{type_name}?" if element.many and type_name in _PRIMITIVES else type_name)


def _repeated(element: Element, one: Json) -> Json:
    return {"type": "array", "items": one, "minItems": 1} if element.many else one


def _ref(name: str) -> Json:
    return {"$ref": f"#/definitions/{name}"}
