"""[base]/Task/{id}/$evidence: all that proves a handoff, as one document (https://hl7.org/fhir/R4/documents.html)."""

from __future__ import annotations

from flask import Blueprint, Response

from adapter.api.face import Face
from adapter.api.http_request import check_accept
from adapter.api.operation_outcome import FHIR_JSON
from adapter.api.operation_parameters import METHODS, operation_parameters
from adapter.use_cases.gather_evidence import gather_evidence
from mappings import evidence_document
from mappings.security_labels import NOTICE_HEADER


def evidence_routes(face: Face) -> Blueprint:
    routes = Blueprint("evidence", __name__)

    @routes.route("/fhir/Task/<id_>/$evidence", methods=METHODS)
    def evidence(id_: str) -> Response:
        client = face.client()
        check_accept()
        operation_parameters(face)
        gathered = gather_evidence(
            face.world, client.tenant, id_, lambda type_: client.scopes.require(type_, "read"), face.origin("$evidence")
        )
        response = Response(evidence_document.to_fhir(gathered, face.base_url), content_type=FHIR_JSON)
        # It is made anew each time and holds everything about a person: nobody on the way keeps it.
        response.headers["Cache-Control"] = "no-store"
        if gathered.restricted:
            response.headers.update(NOTICE_HEADER)
        return response

    return routes
