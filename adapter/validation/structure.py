"""Is a resource built as R4 says? A JSON Schema answers yes or no in microseconds; only a no is then located.

Schemas come from `profiles/r4/schema.json`. One validator for all types says yes or no: what types share is compiled
once and stays in the processor's cache from one resource to the next. Those of single types, made on first use, locate
the faults. A resource within a resource (Bundle entries, contained) is not looked into here: the caller takes each by
itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from adapter.domain.errors import Issue
from adapter.use_cases.ports import Tree
from adapter.validation import shapes

_MAX_FAULTS = 50
"""Per resource: enough to mend by, and no lever to make the answer larger than the question."""
_LARGE = 5000
"""Values in one resource; a large CarePlan has a few hundred."""
_ABOUT_PEOPLE = frozenset({"Patient", "Person", "RelatedPerson", "Practitioner"})
_REF = "#/definitions/"

_WORDS = {
    "base64Binary": "base64 in groups of four characters",
    "boolean": "true or false without quotes",
    "code": "a code: no spaces at its ends and none doubled",
    "date": "a real date as YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "a real date, or a date and time with seconds and time zone (2026-01-31T08:00:00Z)",
    "decimal": "a number without quotes",
    "id": "an id of 1 to 64 letters, digits, '-' and '.'",
    "instant": "a date and time with seconds and time zone (2026-01-31T08:00:00Z)",
    "integer": "a whole number of 32 bits, without quotes",
    "positiveInt": "a whole number from 1, without quotes",
    "unsignedInt": "a whole number from 0, without quotes",
    "time": "a time as hh:mm:ss",
    "oid": "urn:oid: and an OID",
    "uuid": "urn:uuid: and a UUID in lower case",
    "canonical": "a URI without spaces",
    "uri": "a URI without spaces",
    "url": "a URL without spaces",
}
_TEXT = "text that is not empty, not white space only and without control characters"
_SCHEMA_TYPES = {
    "array": "an array",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}
_CONTAINERS = frozenset({"an array", "an object", "null"})
_JSON_TYPES = {str: "a string", bool: "true or false", list: "an array", dict: "an object", type(None): "null"}


def is_sound(tree: Tree, type_: str) -> bool:
    """Whether a resource of a known type is built as R4 says."""
    return _validator_of_all().is_valid({type_: tree})


def faults(tree: Tree, type_: str) -> list[Issue]:
    """The located faults of a resource for which `is_sound` said no; at most 50, one a place.

    Of a very large resource only the first: the library finds all before it gives one, 17 µs each, and a body of
    10 MB can hold a million."""
    found: dict[str | None, Issue] = {}
    validator = _validator(type_)
    errors = [_first(validator, tree)] if _is_large(tree) else islice(validator.iter_errors(tree), _MAX_FAULTS)
    for error in errors:
        for issue in _issues(error, type_):
            found.setdefault(issue.expression, issue)
    return list(found.values())[:_MAX_FAULTS]


def _first(validator: jsonschema_rs.Draft4Validator, tree: Tree) -> jsonschema_rs.ValidationError:
    try:
        validator.validate(tree)
    except jsonschema_rs.ValidationError as error:
        return error
    raise AssertionError("a resource that was not sound has become so")


def _is_large(tree: Tree) -> bool:
    waiting: list[Any] = [tree]
    seen = 0
    while waiting and seen <= _LARGE:
        node = waiting.pop()
        seen += len(node)
        waiting.extend(v for v in (node.values() if isinstance(node, dict) else node) if isinstance(v, dict | list))
    return seen > _LARGE


@cache
def _definitions() -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads((files("profiles") / "r4" / "schema.json").read_bytes())
    return content


@cache
def _validator_of_all() -> jsonschema_rs.Draft4Validator:
    """Of an object that has a resource as the property that is named like its type."""
    properties = {type_: {"$ref": _REF + type_} for type_ in shapes.resource_types()}
    return _compiled({"properties": properties, "definitions": _definitions()})


@cache
def _validator(type_: str) -> jsonschema_rs.Draft4Validator:
    needed: dict[str, Any] = {}
    waiting = [type_]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = _definitions()[name]
            waiting.extend(_references(needed[name]))
    return _compiled({"$ref": _REF + type_, "definitions": needed})


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Draft4Validator:
    # A linear-time expression engine: no partner can send a string that makes a pattern run for minutes.
    return jsonschema_rs.Draft4Validator(schema, pattern_options=jsonschema_rs.RegexOptions())


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.removeprefix(_REF)
        else:
            for value in schema.values():
                yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _issues(error: jsonschema_rs.ValidationError, root: str) -> Iterator[Issue]:
    path, kind = error.instance_path, jsonschema_rs.ValidationErrorKind
    here = shapes.expression(root, path)
    definition = str(error.schema_path[1])  # ["definitions", the shape or datatype, …, the keyword that failed]
    match error.kind:
        case kind.AdditionalProperties(unexpected):
            for name in unexpected:
                yield Issue("structure", f"expected elements of {definition} only, got one it does not have",
                            shapes.expression(root, [*path, name]))  # fmt: skip
        case kind.Required("resourceType"):
            yield Issue("structure", "expected a resource with its resourceType, got none", here)
        case kind.Required(name):
            yield Issue("required", f"expected {name}, got none", shapes.expression(root, [*path, name]))
        case kind.AnyOf():
            name = _missing(definition, error.schema_path)
            yield Issue("required", f"expected {name}, got none", f"{here}.{name.removesuffix('[x]')}")
        case kind.Enum(options):
            yield Issue("code-invalid", _wrong_code(options, error.instance, root), here)
        case kind.Pattern() | kind.Minimum() | kind.Maximum():
            yield Issue("value", f"expected {_words(definition)}, got something else", here)
        case kind.MinItems():
            yield Issue("structure", "expected at least one item, got an empty array", here)
        case kind.MinProperties():
            yield Issue("structure", "expected content, got an empty object", here)
        case kind.Type(types):
            got = _JSON_TYPES.get(type(error.instance), "a number")
            expected = " or ".join(_SCHEMA_TYPES[t] for t in types if t != "null")
            scalars = not {got, expected} & _CONTAINERS
            words = _words(definition) if scalars and definition.removesuffix("?") in _WORDS else expected
            yield Issue("value" if scalars else "structure", f"expected {words}, got {got}", here)
        case other:
            yield Issue("invalid", f"expected what R4 defines for {definition}, got a fault of {other.name}", here)


def _missing(shape: str, schema_path: list[str | int]) -> str:
    """The element of which none of the possible properties (types of a choice, sibling) is there."""
    _, _, all_of, position, *_ = schema_path
    names = _definitions()[shape][all_of][position]["anyOf"]
    element = shapes.elements_of(shape)[names[0]["required"][0]]
    return f"{element.choice}[x]" if element.choice else element.name


def _words(definition: str) -> str:
    return _WORDS.get(definition.removesuffix("?"), _TEXT)


def _wrong_code(options: list[Any], got: Any, root: str) -> str:
    """Names what was sent only if it is a word of R4's own code lists, so that no free text comes back in an error."""
    listed = ", ".join(str(code) for code in options if code is not None)
    known = isinstance(got, str) and root not in _ABOUT_PEOPLE and got.lower() in _vocabulary()
    return f"expected one of {listed}; got {got if known else 'another code'}"


@cache
def _vocabulary() -> frozenset[str]:
    words: set[str] = set()
    for definition in _definitions().values():
        for element in definition.get("properties", {}).values():
            listed = element.get("enum") or element.get("items", {}).get("enum") or ()
            words.update(code.lower() for code in listed if code)
    return frozenset(words)
