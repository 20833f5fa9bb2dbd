"""The roof: the only place where the rooms meet. `create_app` wires the application, `open_house` what it stands on."""

from __future__ import annotations

import gc
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from adapter.api.access_token import AccessTokens
from adapter.api.authentication import Authentication
from adapter.api.client_assertion import ClientAssertions
from adapter.api.client_keys import ClientKeys
from adapter.api.cross_origin import for_origins
from adapter.api.demo_clock import demo_clock_routes
from adapter.api.evaluate_measure import evaluate_measure_routes
from adapter.api.evidence import evidence_routes
from adapter.api.face import Face
from adapter.api.find_destination import find_destination_routes
from adapter.api.health import health_routes
from adapter.api.http_request import body, request_key
from adapter.api.http_response import indented_when_asked
from adapter.api.instance import instance_routes
from adapter.api.metadata import metadata_routes
from adapter.api.operation_outcome import STATUS, register_error_handlers
from adapter.api.operations import operation_definition_routes
from adapter.api.process_message import process_message_routes
from adapter.api.rate_limit import Buckets, RateLimits
from adapter.api.subscription import standing_beside, standing_read, subscription_routes
from adapter.api.token import token_blueprint
from adapter.api.transaction import transaction_routes
from adapter.api.type_level import type_routes
from adapter.api.validate import validate_routes
from adapter.calendars import holiday_calendar
from adapter.clock import DemoClock, SystemClock
from adapter.config import Settings, read_settings, signing_secret
from adapter.delivery.outbound import Outbound, outbound_rule
from adapter.demo_partners import DEMO_PARTNERS
from adapter.domain.errors import NotFound
from adapter.domain.scopes import Scopes
from adapter.intake.handoffs import handoff_routes
from adapter.intake.openapi import openapi_routes
from adapter.intake.sending import Sending, sending_routes
from adapter.logs import configure_logs
from adapter.pathways import load_pathways
from adapter.processes import die_with_parent
from adapter.storage import PostgresStore, open_store
from adapter.storage.lanes import LaneStore, Told
from adapter.storage.partner_register import PartnerRegister
from adapter.storage.readiness import readiness
from adapter.storage.searchable import searchable
from adapter.storage.used_assertions import UsedAssertions
from adapter.use_cases.world import World
from adapter.validation import check, decode_resource, refuse_invalid, refuse_patched
from adapter.validation.shapes import resource_types
from adapter.worklist.pages import Pages, page_routes, shown
from adapter.worklist.visitor import DemoSignIn, Visitors
from mappings.references import ID

SIGNED_IN_SECONDS = 8 * 3600
"""So long a demo's sign-in lasts."""


@dataclass(frozen=True, slots=True)
class House:
    """What every process of the adapter stands on."""

    settings: Settings
    database_url: str
    store: PostgresStore
    register: PartnerRegister
    clock: SystemClock | DemoClock
    world: World


@contextmanager
def open_house(settings: Settings, database_url: str, connections: int) -> Iterator[House]:
    """Opens the store on an upgraded database and closes it at the end."""
    store = open_store(database_url, pool_size=connections)
    try:
        yield furnish(settings, database_url, store)
    finally:
        store.close()


def furnish(settings: Settings, database_url: str, store: PostgresStore) -> House:
    register = PartnerRegister(store.engine)
    clock = SystemClock() if settings.production else DemoClock(settings.clock_file)
    store = store.at(clock.now)
    world = World(
        store=store,
        register=register,
        pathways=load_pathways(),
        clock=clock,
        new_id=lambda: str(uuid.uuid4()),
        check=check,
        refuse_invalid=refuse_patched,
        base_url=settings.fhir_url,
        holiday_calendar=holiday_calendar,
        check_endpoint=Outbound(outbound_rule(settings.production, settings.outbound_networks)).check,
    )
    return House(settings, database_url, store, register, clock, world)


def create_app(house: House, seconds: Callable[[], float] = time.monotonic) -> Flask:
    """The application on `house`. No globals: two applications in one process do not know of each other.

    `seconds` is what rates are counted by."""
    settings = house.settings
    real_clock = SystemClock()
    tokens = AccessTokens(signing_secret(settings), settings.fhir_url)
    outbound = Outbound(outbound_rule(settings.production, settings.outbound_networks))
    assertions = ClientAssertions(
        settings.token_url, house.register, ClientKeys(outbound), UsedAssertions(house.store.engine), real_clock
    )
    limits = RateLimits(
        Buckets(settings.client_rate, settings.client_burst, seconds) if settings.client_rate else None,
        Buckets(settings.address_rate, settings.address_burst, seconds) if settings.address_rate else None,
    )
    authentication = Authentication(tokens, house.register, real_clock, limits)

    face = Face(
        world=house.world,
        authentication=authentication,
        decode=partial(decode_resource, max_bytes=settings.max_body_bytes),
        refuse_invalid=partial(refuse_invalid, max_entries=settings.max_bundle_entries),
        resource_types=resource_types(),
        searchable=searchable,
        max_bytes=settings.max_body_bytes,
    )
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False  # many clients put a slash at the end
    register_error_handlers(app)
    app.register_blueprint(token_blueprint(
        tokens, assertions, real_clock, token_url=settings.token_url, lifetime=settings.token_lifetime
    ))  # fmt: skip
    app.register_blueprint(metadata_routes(face, settings.token_url))
    for routes in (transaction_routes, process_message_routes, validate_routes):
        app.register_blueprint(routes(face))
    told_to = lambda tenant: Told(house.store.reading_as(tenant))  # noqa: E731 - one line of wiring
    app.register_blueprint(type_routes(face, {"Subscription": standing_beside(face, told_to)}))
    app.register_blueprint(instance_routes(face, {"Subscription": standing_read(face, told_to)}))
    app.register_blueprint(operation_definition_routes())
    app.register_blueprint(subscription_routes(face, told_to))
    app.register_blueprint(evidence_routes(face))
    app.register_blueprint(find_destination_routes(face))
    app.register_blueprint(evaluate_measure_routes(face))
    visitors = Visitors(authentication, None if settings.production else _demo_sign_in(house, tokens, real_clock))
    pages = Pages(
        house.world,
        visitors,
        status_of=lambda refusal: STATUS[type(refusal)],
        waiting=lambda partner, most: LaneStore(house.store.engine).listing(side=partner, limit=most),
    )
    app.register_blueprint(page_routes(pages, visitors))
    handoff_page = lambda id_: shown(pages, lambda: pages.handoff(id_))  # noqa: E731 - one line of wiring
    app.register_blueprint(handoff_routes(house.world, authentication, page=handoff_page))
    app.register_blueprint(sending_routes(Sending(
        house.world, authentication, partial(body, settings.max_body_bytes), request_key, face.refuse_invalid
    )))  # fmt: skip
    app.register_blueprint(openapi_routes())
    app.register_blueprint(
        health_routes(lambda: readiness(house.store.engine), LaneStore(house.store.engine).backlog, house.clock.now)
    )
    if isinstance(house.clock, DemoClock):
        app.register_blueprint(demo_clock_routes(house.clock.advance))
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    app.before_request(_count_by_address(limits))
    app.before_request(_refuse_impossible_address(face.resource_types))
    app.after_request(indented_when_asked)
    if settings.cors_origins:
        app.after_request(for_origins(settings.cors_origins))
    app.after_request(_echo_keys(demo=not settings.production))
    return app


def _demo_sign_in(house: House, tokens: AccessTokens, clock: SystemClock) -> DemoSignIn:
    """Of a demo: whoever sits at this machine may look as any demo partner. Reading and searching only."""

    def partners() -> list[tuple[str, str]]:
        directory = house.register.directory()
        known = (directory.get(id_) for id_ in DEMO_PARTNERS)
        return [(partner.id, partner.name) for partner in known if partner is not None and partner.active]

    def token(partner: str) -> str:
        return tokens.issue(partner, Scopes.parse("system/*.rs"), int(clock.now().timestamp()), SIGNED_IN_SECONDS)

    return DemoSignIn(partners, token, SIGNED_IN_SECONDS)


def app_of_environment() -> Flask:
    """For the web server, which calls this once in each of its processes."""
    die_with_parent()
    settings = read_settings()
    configure_logs(settings.log_level)
    if settings.database_url is None:
        raise RuntimeError("expected HANDOFF_DATABASE_URL, got none: start the adapter with `handoff serve`")
    database_url = settings.database_url.get_secret_value()
    store = open_store(database_url, pool_size=settings.threads + 1)
    app = create_app(furnish(settings, database_url, store))
    # What was made at start lives as long as the process; looking through it again and again makes requests wait.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    return app


def _count_by_address(limits: RateLimits):  # type: ignore[no-untyped-def]
    """Requests without an access token, and those for one; whether the server is well may be asked at any rate."""

    def count() -> None:
        if "Authorization" in request.headers and request.endpoint != "token.token":
            return
        if request.blueprint != "health":
            limits.of_address()

    return count


def _refuse_impossible_address(known: frozenset[str]):  # type: ignore[no-untyped-def]
    def refuse() -> ResponseReturnValue | None:
        arguments: Mapping[str, str] = request.view_args or {}
        type_, id_ = arguments.get("type_"), arguments.get("id_")
        if any(part is not None and part.startswith("$") for part in (type_, id_)):
            expected = "expected an operation of this server (GET /fhir/metadata lists them), got another"
            raise NotFound(expected, code="not-supported")
        if type_ is not None and type_ not in known:
            raise NotFound("expected a resource type of FHIR R4 in the address, got another name", code="not-supported")
        if id_ is not None and not ID.match(id_):
            # What cannot be an id names nothing; the database would stumble over some of it (U+0000).
            raise NotFound(f"no such {type_ or 'handoff'}", expression=type_)
        return None

    return refuse


def _echo_keys(*, demo: bool):  # type: ignore[no-untyped-def]
    def echo(response: Response) -> Response:
        for name in ("X-Request-ID", "X-Correlation-ID"):
            value = request.headers.get(name)
            if value is not None and value.isprintable() and len(value) <= 200:
                response.headers[name] = value
        if demo:
            response.headers["X-Handoff-Mode"] = "demo; synthetic data only"
        return response

    return echo
