"""[base]/Measure/{id}/$evaluate-measure: what a measure counts among the asking organisation's handoffs.

https://hl7.org/fhir/R4/measure-operation-evaluate-measure.html, for populations only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from flask import Blueprint, Response
from werkzeug.datastructures import MultiDict

from adapter.api.face import Face
from adapter.api.http_request import check_accept
from adapter.api.operation_outcome import FHIR_JSON
from adapter.api.operation_parameters import METHODS, operation_parameters, parameter_at
from adapter.domain.errors import Invalid
from adapter.domain.measures import STRATIFIERS
from adapter.use_cases.report_measures import Period, report_measures
from mappings import measure_report
from mappings.json_codec import encode


def evaluate_measure_routes(face: Face) -> Blueprint:
    routes = Blueprint("evaluate_measure", __name__)

    @routes.route("/fhir/Measure/<id_>/$evaluate-measure", methods=METHODS)
    def evaluate_measure(id_: str) -> Response:
        client = face.client()
        check_accept()
        client.scopes.require("Measure", "read")
        # What is counted is read from these: who may not search them learns nothing of them in sum either.
        for type_ in ("Task", "Patient", "Encounter"):
            client.scopes.require(type_, "search-type")
        asked = operation_parameters(face, "periodStart", "periodEnd", "reportType", "stratifier")
        period, stratifiers, now = _period(asked), _stratifiers(asked), face.world.clock.now()
        (score,) = report_measures(face.world.store.reader(client.tenant), [id_], period, stratifiers, now)
        report = measure_report.to_fhir(
            score.measure,
            score.groups,
            start=period.since,
            end=period.until - timedelta(milliseconds=1),
            reporter=client.tenant,
            now=now,
        )
        response = Response(encode(report), content_type=FHIR_JSON)
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def _period(asked: Mapping[str, str]) -> Period:
    if asked.get("reportType", "population") != "population":
        text = "expected reportType population, got another: nobody is reported on singly"
        raise Invalid(text, expression=parameter_at("reportType"), code="not-supported")
    return Period(_day(asked, "periodStart"), _day(asked, "periodEnd"))


def _day(asked: Mapping[str, str], name: str) -> date:
    text = asked.get(name)
    if text is None:
        text = f"expected {name} as a date such as 2026-03-31, got none"
        raise Invalid(text, expression=parameter_at(name), code="required")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # Far from the ends of the calendar, so that a period can be looked beyond.
    if day is None or text != day.isoformat() or not 1900 <= day.year < 9000:
        text = f"expected {name} as a date such as 2026-03-31, got something else"
        raise Invalid(text, expression=parameter_at(name), code="value")
    return day


def _stratifiers(asked: MultiDict[str, str]) -> list[str]:
    """Given once each or with commas between; all without any."""
    given = [name for text in asked.getlist("stratifier") for name in text.split(",")]
    return list(dict.fromkeys(given)) or list(STRATIFIERS)
