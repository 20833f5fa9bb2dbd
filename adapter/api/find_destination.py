"""GET [base]/HealthcareService/$find-destination: who can take a person, with this coverage, this soon."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from flask import Blueprint, Response, request

from adapter.api.face import Face
from adapter.api.http_request import check_accept
from adapter.api.operation_outcome import FHIR_JSON
from adapter.domain.errors import Invalid
from adapter.use_cases.find_destination import ACCEPTED_BY, LONGEST, Wanted, find_destinations
from mappings import destinations

_DURATION: Final = re.compile(r"P(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?")
_PARAMETERS: Final = ("coverage", "type", "within")


def find_destination_routes(face: Face) -> Blueprint:
    routes = Blueprint("find_destination", __name__)

    @routes.get("/fhir/HealthcareService/$find-destination")
    def find_destination() -> Response:
        client = face.client()
        check_accept()
        client.scopes.require("HealthcareService", "search-type")
        found = find_destinations(face.world, client.tenant, _wanted())
        self_link = f"{face.base_url}{request.full_path.removeprefix('/fhir').rstrip('?')}"
        return Response(
            destinations.to_fhir(found, self_link=self_link, base_url=face.base_url), content_type=FHIR_JSON
        )  # fmt: skip

    return routes


def _wanted() -> Wanted:
    """Raises Invalid: a misspelt parameter that is passed over would send a person to the wrong door."""
    unknown = [name for name in request.args if name not in _PARAMETERS]
    if unknown:
        raise Invalid(f"expected only {', '.join(_PARAMETERS)}, got another parameter", code="not-supported")
    coverage = request.args.get("coverage")
    if coverage is not None and coverage not in ACCEPTED_BY:
        raise Invalid(f"expected coverage as one of {', '.join(ACCEPTED_BY)}, got another", code="code-invalid")
    kind = (request.args.get("type") or "").strip() or None
    within = request.args.get("within")
    return Wanted(coverage, kind) if within is None else Wanted(coverage, kind, _duration(within))


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise Invalid("expected within as an ISO 8601 duration such as P2D or PT4H, got something else", code="value")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    duration = timedelta(days=days, hours=hours, minutes=minutes)
    if duration > LONGEST:
        raise Invalid(f"expected within as at most {LONGEST.days} days, got more", code="value")
    return duration
