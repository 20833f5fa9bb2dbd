"""[base]/HealthcareService/$find-destination: who can take a person, with this coverage, this soon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response

from adapter.api.face import Face
from adapter.api.http_request import check_accept
from adapter.api.operation_outcome import FHIR_JSON
from adapter.api.operation_parameters import METHODS, operation_parameters, parameter_at
from adapter.domain.errors import Invalid
from adapter.use_cases.find_destination import ACCEPTED_BY, LONGEST, Wanted, find_destinations
from mappings import destinations

_DURATION: Final = re.compile(r"P(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?")


def find_destination_routes(face: Face) -> Blueprint:
    routes = Blueprint("find_destination", __name__)

    @routes.route("/fhir/HealthcareService/$find-destination", methods=METHODS)
    def find_destination() -> Response:
        client = face.client()
        check_accept()
        client.scopes.require("HealthcareService", "search-type")
        asked = operation_parameters(face, "coverage", "type", "within")
        found = find_destinations(face.world, client.tenant, _wanted(asked))
        query = f"?{urlencode(list(asked.items(multi=True)))}" if asked else ""
        self_link = f"{face.base_url}/HealthcareService/$find-destination{query}"
        return Response(
            destinations.to_fhir(found, self_link=self_link, base_url=face.base_url), content_type=FHIR_JSON
        )  # fmt: skip

    return routes


def _wanted(asked: Mapping[str, str]) -> Wanted:
    """Raises Invalid."""
    coverage = asked.get("coverage")
    if coverage is not None and coverage not in ACCEPTED_BY:
        text = f"expected coverage as one of {', '.join(ACCEPTED_BY)}, got another"
        raise Invalid(text, expression=parameter_at("coverage"), code="code-invalid")
    kind = (asked.get("type") or "").strip() or None
    within = asked.get("within")
    return Wanted(coverage, kind) if within is None else Wanted(coverage, kind, _duration(within))


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        text = "expected within as an ISO 8601 duration such as P2D or PT4H, got something else"
        raise Invalid(text, expression=parameter_at("within"), code="value")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    duration = timedelta(days=days, hours=hours, minutes=minutes)
    if duration > LONGEST:
        text = f"expected within as at most {LONGEST.days} days, got more"
        raise Invalid(text, expression=parameter_at("within"), code="value")
    return duration
