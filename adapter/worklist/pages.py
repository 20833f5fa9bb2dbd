"""The pages and their addresses. What they show is what the FHIR face shows to the same organisation, and no more."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from flask import Blueprint, Response, request

from adapter.domain.disclosure import NOTICE
from adapter.domain.errors import HandoffError, Throttled
from adapter.domain.handoff import Handoff
from adapter.domain.measures import MEASURES, STRATIFIERS
from adapter.domain.origin import Origin
from adapter.domain.task_status import TERMINAL
from adapter.use_cases.delivery_ports import Listed
from adapter.use_cases.gather_evidence import gather_evidence
from adapter.use_cases.ports import Reader, ResourceKey, StoredResource
from adapter.use_cases.report_measures import report_measures
from adapter.use_cases.world import World
from adapter.worklist.governance import (
    WITHHELD_SAYS,
    asked_period,
    asked_stratifier,
    measure_sections,
    weaker_section,
)
from adapter.worklist.groups import RETURNED_FOR, grouped, line
from adapter.worklist.html_pages import html_page, style
from adapter.worklist.problems import NOT_THERE, OTHER, PROBLEMS
from adapter.worklist.visitor import SignInFirst, Visitors, ask_to_sign_in, sign_in_page, signed_in, signed_out
from mappings.evidence import Evidence
from mappings.evidence_sections import VERDICTS, Mark, name_of, sections, timeline
from mappings.json_codec import decode
from mappings.references import RELATIVE
from mappings.security_labels import restricted_kinds_of

MOST_OPEN: Final = 2000
"""So many open handoffs the worklist looks at; an organisation with more works them off by its own system."""
MOST_SHOWN: Final = 200

UNNAMED: Final = "name not told"

StatusOf = Callable[[HandoffError], int]
Waiting = Callable[[str, int], Sequence[Listed]]
"""(partner, the most that is wanted) → lanes in which something waits, the oldest first."""


class Pages:
    """`status_of`: the HTTP status of a refusal, the same for pages as for everything else. `waiting`: what is still to
    be told to a partner, or to the other sides of its handoffs."""

    def __init__(self, world: World, visitors: Visitors, status_of: StatusOf, waiting: Waiting):
        self._world = world
        self._visitors = visitors
        self._status_of = status_of
        self._waiting = waiting

    def worklist(self) -> Response:
        client = self._visitors.client()
        client.scopes.require("Task", "search-type")
        client.scopes.require("Patient", "read")
        now = self._world.clock.now()
        reader = self._world.store.reader(client.tenant)
        found = reader.open_handoffs(client.tenant, now - RETURNED_FOR, MOST_OPEN + 1)
        groups = grouped(found[:MOST_OPEN], client.tenant, now, request.args)
        people = _people(reader, [handoff for group in groups for handoff in group.handoffs])
        self._world.store.disclosed(client.tenant, _origin("search-type"), [*people.values()])
        names = {key: name_of(decode(person.body)) or UNNAMED for key, person in people.items()}
        listed = [
            (group, [line(handoff, names.get(handoff.patient or "", UNNAMED), now) for handoff in group.handoffs])
            for group in groups
        ]
        return self._page(
            "worklist.html", client, groups=listed, cut=len(found) > MOST_OPEN, most=MOST_OPEN,
            notice=NOTICE if restricted_kinds_of(people.values()) else None,
            withheld=self._world.store.withholds_from(client.tenant),
        )  # fmt: skip

    def handoff(self, id_: str) -> Response:
        client, evidence = self._evidence(id_)
        standing, clock = (s for s in sections(evidence) if s.code in {"standing", "clock"})
        return self._page(
            "handoff.html", client, evidence=evidence, person=_person(evidence), notice=NOTICE,
            sections=[standing, timeline(evidence), clock],
        )  # fmt: skip

    def evidence(self, id_: str) -> Response:
        client, evidence = self._evidence(id_)
        return self._page(
            "evidence.html", client, evidence=evidence, person=_person(evidence), notice=NOTICE,
            sections=sections(evidence), verdicts=_verdicts(evidence),
        )  # fmt: skip

    def deliveries(self) -> Response:
        client = self._visitors.client()
        client.scopes.require("Task", "search-type")
        found = self._waiting(client.tenant, MOST_SHOWN + 1)
        lanes, reader = found[:MOST_SHOWN], self._world.store.reader(client.tenant)
        found_handoffs = {id_: reader.handoff(id_) for id_ in {lane.handoff for lane in lanes}}
        readable = {id_: handoff for id_, handoff in found_handoffs.items() if handoff is not None}
        return self._page(
            "deliveries.html", client, readable=readable, cut=len(found) > MOST_SHOWN, most=MOST_SHOWN,
            ours=[lane for lane in lanes if lane.subscriber == client.tenant],
            others=[lane for lane in lanes if lane.subscriber != client.tenant and lane.handoff in readable],
        )  # fmt: skip

    def governance(self) -> Response:
        client = self._visitors.client()
        client.scopes.require("Measure", "read")
        for type_ in ("Task", "Patient", "Encounter"):
            client.scopes.require(type_, "search-type")
        now = self._world.clock.now()
        period, by = asked_period(request.args, now.date()), asked_stratifier(request.args)
        reader = self._world.store.reader(client.tenant)
        scores = report_measures(reader, list(MEASURES), period, list(STRATIFIERS), now)
        found = reader.open_handoffs(client.tenant, now, MOST_OPEN)
        names = self._names()
        return self._page(
            "governance.html", client, period=period, by=by, stratifiers=list(STRATIFIERS), withheld_says=WITHHELD_SAYS,
            flagged=[handoff for handoff in found if handoff.flagged_for_review and handoff.status not in TERMINAL],
            sections=[weaker_section(scores, names), *measure_sections(scores, by, names)],
        )  # fmt: skip

    def problem(self, refusal: HandoffError) -> Response:
        status = self._status_of(refusal)
        problem = PROBLEMS.get(status, OTHER)
        # What there is not, the page says by itself; the words for programs would add nothing.
        issues = () if status == NOT_THERE else refusal.issues
        response = html_page(
            "problem.html", status, title=problem.title, says=problem.says, issues=issues,
            may_sign_out=self._visitors.may_sign_out,
        )  # fmt: skip
        if isinstance(refusal, Throttled):
            response.headers["Retry-After"] = str(refusal.retry_after)
        return response

    def _evidence(self, id_: str) -> tuple[Any, Evidence]:
        client = self._visitors.client()
        evidence = gather_evidence(
            self._world, client.tenant, id_, lambda type_: client.scopes.require(type_, "read"), _origin("$evidence")
        )
        return client, evidence

    def _page(self, template: str, client: Any, **values: Any) -> Response:
        partner = self._world.register.directory().get(client.tenant)
        return html_page(
            template, us=partner.name if partner else client.tenant, tenant=client.tenant, names=self._names(),
            now=self._world.clock.now(),
            zone=self._world.working_time(partner).zone, may_sign_out=self._visitors.may_sign_out, **values,
        )  # fmt: skip

    def _names(self) -> dict[str, str]:
        return {partner.id: partner.name for partner in self._world.register.directory()}


def page_routes(pages: Pages, visitors: Visitors) -> Blueprint:
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def worklist() -> Response:
        return shown(pages, pages.worklist)

    @routes.get("/handoffs/<id_>/evidence")
    def evidence(id_: str) -> Response:
        return shown(pages, functools.partial(pages.evidence, id_))

    @routes.get("/deliveries")
    def deliveries() -> Response:
        return shown(pages, pages.deliveries)

    @routes.get("/governance")
    def governance() -> Response:
        return shown(pages, pages.governance)

    @routes.get("/pages.css")
    def pages_css() -> Response:
        return style()

    if sign_in := visitors.sign_in:

        @routes.get("/demo/sign-in")
        def choose() -> Response:
            return sign_in_page(sign_in)

        @routes.post("/demo/sign-in")
        def chosen() -> Response:
            return shown(pages, functools.partial(signed_in, sign_in))

        @routes.post("/demo/sign-out")
        def leave() -> Response:
            return signed_out()

    return routes


def shown(pages: Pages, page: Callable[[], Response]) -> Response:
    """The page, or a page that says why not."""
    try:
        return page()
    except SignInFirst:
        return ask_to_sign_in()
    except HandoffError as refusal:
        return pages.problem(refusal)


def _origin(interaction: str) -> Origin:
    """The page that is asked for, for the audit trail."""
    return Origin(interaction, request.url_root.rstrip("/"), request.remote_addr, query=request.path)


def _people(reader: Reader, handoffs: Sequence[Handoff]) -> dict[str, StoredResource]:
    """Whom the handoffs are about, by reference."""
    keys = {ResourceKey(m[1], m[2]) for h in handoffs if h.patient and (m := RELATIVE.match(h.patient))}
    return {str(stored.key): stored for stored in reader.read_many(keys).values() if not stored.deleted}


def _person(evidence: Evidence) -> str:
    return name_of(evidence.resource(evidence.handoff.patient) or {}) or UNNAMED


def _verdicts(evidence: Evidence) -> list[tuple[Mark, int]]:
    """How many evidence rules are met, not met, not yet."""
    counts = Counter(VERDICTS[finding.verdict] for finding in evidence.findings)
    return [(mark, counts[mark]) for mark in VERDICTS.values() if counts[mark]]
