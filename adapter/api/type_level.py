"""/fhir/{type}: create, conditional update and delete, search (https://hl7.org/fhir/R4/http.html).

A POST with criteria in its address is a conditional create, as some clients write it: to leave the criteria out would
create what they were meant to prevent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from adapter.api.binary import resource_body
from adapter.api.face import Face
from adapter.api.http_request import ABOUT_THE_ANSWER, body, check_accept, form
from adapter.api.listing import Beside, history_of, search_in
from adapter.api.single_write import patch_of, write
from adapter.domain.errors import Invalid
from mappings.interaction import Interaction, criteria_of

Tree = dict[str, Any]


def type_routes(face: Face, beside: Mapping[str, Beside]) -> Blueprint:
    """`beside`: by resource type, what a search finds although it is in no index."""
    routes = Blueprint("type_level", __name__)

    @routes.post("/fhir/<type_>")
    def create(type_: str) -> Response:
        raw = resource_body(type_, face.max_bytes)
        return write(face, raw, lambda tree: _create(type_, tree), of_type=type_)

    @routes.get("/fhir/<type_>")
    @routes.get("/fhir/<type_>/_search")
    def search(type_: str) -> Response:
        return search_in(face, type_, _asked(face), beside.get(type_))

    @routes.post("/fhir/<type_>/_search")
    def search_by_post(type_: str) -> Response:
        asked = [*_asked(face), *_local(face, form().items(multi=True))]
        return search_in(face, type_, asked, beside.get(type_))

    @routes.get("/fhir/<type_>/_history")
    def history(type_: str) -> Response:
        client = face.client()
        check_accept()
        client.scopes.require(type_, "history-type")
        return history_of(face, client, type_, None)

    @routes.put("/fhir/<type_>")
    def conditional_update(type_: str) -> Response:
        raw = resource_body(type_, face.max_bytes)
        return write(face, raw, lambda tree: _conditional("PUT", type_, resource=tree), of_type=type_)

    @routes.patch("/fhir/<type_>")
    def conditional_patch(type_: str) -> Response:
        raw = body(face.max_bytes, patch=True)
        return write(face, raw, lambda _: _conditional("PATCH", type_, patch=patch_of(face, raw)))

    @routes.delete("/fhir/<type_>")
    def conditional_delete(type_: str) -> Response:
        return write(face, b"", lambda _: _conditional("DELETE", type_))

    return routes


def _asked(face: Face) -> list[tuple[str, str]]:
    return _local(face, request.args.items(multi=True))


def _local(face: Face, parameters: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """A reference is kept as `Patient/1` however it was written; what is asked for by the whole address is that too."""
    here = face.base_url + "/"
    return [
        (name, ",".join(_either(part, here) for part in value.split(",")) if here in value else value)
        for name, value in parameters
    ]


def _either(value: str, here: str) -> str:
    """The address as well: what is no reference but a URI is kept as it was written."""
    return f"{value.removeprefix(here)},{value}" if value.startswith(here) else value


def _create(type_: str, tree: Tree | None) -> Interaction:
    return Interaction(
        "POST",
        type_,
        at=type_,
        resource=tree,
        if_none_exist=criteria_of(request.headers.get("If-None-Exist"), type_, type_) or _criteria(),
    )


def _criteria() -> str | None:
    """The query of the address, unless all of it is about the form of the answer."""
    return None if ABOUT_THE_ANSWER.issuperset(request.args) else request.query_string.decode()


def _conditional(method: str, type_: str, resource: Tree | None = None, patch: Any = None) -> Interaction:
    criteria = _criteria()
    if criteria is None:
        raise Invalid(f"expected {method} to name {type_}/id, or criteria after `?`, got neither", expression=type_)
    return Interaction(
        method,
        type_,
        at=type_,
        resource=resource,
        patch=patch,
        criteria=criteria,
        if_match=request.headers.get("If-Match"),
    )
