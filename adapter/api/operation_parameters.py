"""What an operation is asked with (https://hl7.org/fhir/R4/operations.html#executing): the query of a GET, or the
Parameters of a POST, which is what most clients send unless they are told otherwise."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import request
from werkzeug.datastructures import MultiDict

from adapter.api.face import Face
from adapter.api.http_request import ABOUT_THE_ANSWER, body
from adapter.domain.errors import Invalid

_NAME: Final = re.compile(r"[a-z_][A-Za-z:._-]{0,47}")
METHODS: Final = ("GET", "POST")
"""Of an operation that changes nothing."""


def operation_parameters(face: Face, *known: str) -> MultiDict[str, str]:
    """Name → values as text. Raises Invalid for a name that is not `known`: what is misspelt is not passed over."""
    given = [(name, value) for name, value in request.args.items(multi=True) if name not in ABOUT_THE_ANSWER]
    if request.method == "POST" and (raw := body(face.max_bytes)):
        tree = face.read_resource(raw)
        if tree["resourceType"] != "Parameters":
            raise Invalid("expected Parameters, got another resource type", expression="Parameters", code="value")
        given += [_given(each, f"Parameters.parameter[{at}]") for at, each in enumerate(tree.get("parameter", ()))]
    unknown = next((name for name, _ in given if name not in known), None)
    if unknown is not None:
        expected = f"only {', '.join(known)}, got another parameter" if known else "no parameters, got one"
        # A name that looks like one is told again; anything else may be what somebody wrote elsewhere.
        at = parameter_at(unknown) if _NAME.fullmatch(unknown) else None
        raise Invalid(f"expected {expected}", expression=at, code="not-supported")
    return MultiDict(given)


def parameter_at(name: str) -> str:
    """Where the parameter of this request stands, for the expression of a refusal."""
    return f"Parameters.parameter.where(name='{name}')" if request.method == "POST" else f"http.{name}"


def _given(parameter: dict[str, Any], at: str) -> tuple[str, str]:
    value = next((value for name, value in parameter.items() if name.startswith("value")), None)
    match value:
        case bool():
            return parameter["name"], str(value).lower()
        case None | dict() | list():
            raise Invalid("expected a parameter with a primitive value, got another", expression=at, code="value")
    return parameter["name"], str(value)
