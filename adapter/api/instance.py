"""/fhir/{type}/{id}: read, vread, history, update, patch, delete (https://hl7.org/fhir/R4/http.html)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, request

from adapter.api.binary import binary_as_itself, is_wanted_as_itself, resource_body
from adapter.api.face import Face
from adapter.api.http_request import body, check_accept
from adapter.api.http_response import answered, single
from adapter.api.listing import history_of
from adapter.api.single_write import patch_of, write
from adapter.use_cases.ports import ResourceKey, StoredResource
from adapter.use_cases.read import read_one
from mappings.interaction import Interaction, Outcome
from mappings.subset import Subset


def instance_routes(face: Face, made: Mapping[str, Callable[[str], Response | None]]) -> Blueprint:
    """`made`: by resource type, the answer to a read of what is made when it is asked for; None for any other id."""
    routes = Blueprint("instance", __name__)

    @routes.get("/fhir/<type_>/<id_>")
    def read(type_: str, id_: str) -> Response:
        answer = made[type_](id_) if type_ in made else None
        return read_resource(face, type_, id_, None, "read") if answer is None else answer

    @routes.get("/fhir/<type_>/<id_>/_history/<version>")
    def vread(type_: str, id_: str, version: str) -> Response:
        return read_resource(face, type_, id_, version, "vread")

    @routes.get("/fhir/<type_>/<id_>/_history")
    def history(type_: str, id_: str) -> Response:
        client = face.client()
        check_accept()
        client.scopes.require(type_, "history-instance")
        return history_of(face, client, type_, id_)

    @routes.put("/fhir/<type_>/<id_>")
    def update(type_: str, id_: str) -> Response:
        raw = resource_body(type_, face.max_bytes, id_)
        return write(face, raw, lambda tree: _named("PUT", type_, id_, resource=tree), of_type=type_)

    @routes.patch("/fhir/<type_>/<id_>")
    def patch(type_: str, id_: str) -> Response:
        raw = body(face.max_bytes, patch=True)
        return write(face, raw, lambda _: _named("PATCH", type_, id_, patch=patch_of(face, raw)))

    @routes.delete("/fhir/<type_>/<id_>")
    def delete(type_: str, id_: str) -> Response:
        return write(face, b"", lambda _: _named("DELETE", type_, id_))

    return routes


def read_resource(face: Face, type_: str, id_: str, version: str | None, code: str) -> Response:
    """One version of a resource, or as much of it as is asked for; 304 when the client has it already."""
    client = face.client()
    as_it_is = type_ == "Binary" and is_wanted_as_itself()
    if not as_it_is:
        check_accept()
    client.scopes.require(type_, code)
    subset = Subset.asked_in(list(request.args.items(multi=True)))
    found = read_one(face.world.store.reader(client.tenant), ResourceKey(type_, id_), version)
    face.disclose(client, code, [found])
    if _not_modified(found):
        return Response(status=304, headers={"ETag": f'W/"{found.version}"'})
    body = subset.of(found.body) if subset else found.body
    answer = single(Outcome(200, type_, id_, found.version, found.last_updated, body), face.base_url)
    return binary_as_itself(found, answer) if as_it_is else answered(answer)


def _not_modified(found: StoredResource) -> bool:
    """https://hl7.org/fhir/R4/http.html#cread; of the two headers the exact one decides."""
    if request.if_none_match:
        return request.if_none_match.contains_weak(str(found.version))
    since = request.if_modified_since
    return since is not None and found.last_updated.replace(microsecond=0) <= since


def _named(
    method: str, type_: str, id_: str, resource: dict[str, object] | None = None, patch: object = None
) -> Interaction:
    return Interaction(
        method=method,
        type=type_,
        id=id_,
        at=type_,
        resource=resource,
        patch=patch,  # type: ignore[arg-type]
        if_match=request.headers.get("If-Match"),
        if_none_match=request.headers.get("If-None-Match"),
    )
