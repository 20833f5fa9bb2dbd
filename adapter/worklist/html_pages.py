"""HTML from templates: everything that comes from outside is escaped, and the browser may run and fetch nothing else.

https://www.w3.org/TR/CSP3/: no script at all, styles from here only, forms to here only, no frame around it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from mappings.evidence_sections import Mark

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A page about a person stays in no cache, also not in that of a shared browser.
    "Cache-Control": "no-store",
}


def _local(moment: datetime, zone: str, exact: bool = False) -> str:
    """`2026-03-02 10:00 EST`: the wall clock of whoever reads, with its name; `exact` with seconds."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z" if exact else "%Y-%m-%d %H:%M %Z")


_templates = Environment(
    loader=PackageLoader("adapter.worklist"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.tests["moment"] = lambda cell: isinstance(cell, datetime)
_templates.tests["mark"] = lambda cell: isinstance(cell, Mark)
_templates.tests["unbroken"] = lambda cell: isinstance(cell, str) and any(len(word) > 30 for word in cell.split())
_templates.filters["local"] = _local
_templates.filters["iso"] = lambda moment: moment.astimezone(UTC).isoformat(timespec="seconds")


def html_page(template: str, status: int = 200, **values: Any) -> Response:
    """A page of the folder `templates`. A value that is missing is an error, not a gap."""
    body = _templates.get_template(template).render(**values)
    response = Response(body, status, content_type="text/html; charset=utf-8")
    response.headers.update(HEADERS)
    response.vary.add("Accept")
    return response


def style() -> Response:
    response = Response(_templates.get_template("pages.css").render(), content_type="text/css; charset=utf-8")
    response.headers.update(HEADERS)
    response.headers["Cache-Control"] = "max-age=300"
    return response
