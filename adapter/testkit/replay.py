"""`handoff replay`: plays scenarios against this adapter or any other FHIR R4 server, over HTTP only."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import requests

from adapter.smart_client import NoSmartConfiguration, TokenSource
from adapter.testkit.exchange import Exchange, TokenOf
from adapter.testkit.player import Player
from adapter.testkit.report import Printer, held, summary, write_junit
from adapter.testkit.scenario import ScenarioError, scripts_in
from adapter.testkit.script_check import load_checked
from adapter.testkit.simulators import SimulatedPartner

EXIT_HELD, EXIT_BROKEN, EXIT_UNPLAYABLE = 0, 1, 2


def replay(
    paths: Sequence[Path],
    base_url: str,
    junit: Path | None = None,
    *,
    keys: Path | None = None,
    partner_ports: dict[str, int] | None = None,
) -> int:
    """Plays every scenario at or below `paths` against `base_url` (with or without `/fhir`) and prints each step.

    `keys` holds private JWKs as `<partner>.json`; a partner without one sends no token. `partner_ports` are the
    addresses at which a demo server tells its partners; without them, or when one is taken, notification steps are
    skipped. Returns 0 when every expectation held, 1 when one did not, 2 when a script cannot be played.
    """
    try:
        scenarios = [load_checked(script) for script in scripts_in(paths)]
    except ScenarioError as error:
        print(error)
        return EXIT_UNPLAYABLE
    fhir_url = fhir_base(base_url)
    exchange = Exchange(fhir_url, tokens_from(keys, fhir_url))
    with ExitStack() as stack:
        is_demo = exchange.has_demo_clock()
        partners = _listening(partner_ports or {}, stack) if is_demo else {}
        player = Player(exchange, partners, Printer(), clock_can_be_advanced=is_demo)
        results = [result for scenario in scenarios for result in player.play(scenario)]
    print("\n" + summary(results))
    if junit is not None:
        write_junit(results, junit)
    return EXIT_HELD if held(results) else EXIT_BROKEN


def tokens_from(keys: Path | None, base_url: str) -> TokenOf:
    """Tokens by private_key_jwt with the keys of a folder; None for a partner whose key is not there, and for everybody
    where the server does not say where tokens are given. Either is told once."""
    sources: dict[str, TokenSource | None] = {}
    lock = threading.Lock()

    def source_of(partner_id: str) -> TokenSource | None:
        file = keys / f"{partner_id}.json" if keys else None
        if file is None or not file.is_file():
            print(f"{partner_id} sends no token: expected its private JWK in `{file or 'HANDOFF_DATA_DIR'}`, got none")
            return None
        return TokenSource(base_url, partner_id, json.loads(file.read_text(encoding="utf-8")))

    def token_of(partner_id: str) -> str | None:
        with lock:
            if partner_id not in sources:
                sources[partner_id] = source_of(partner_id)
            source = sources[partner_id]
        if source is None:
            return None
        try:
            return source.token()
        except NoSmartConfiguration as none:
            with lock:
                if sources[partner_id] is not None:
                    print(f"{partner_id} sends no token: {none}")
                sources[partner_id] = None
            return None

    return token_of


def fhir_base(url: str) -> str:
    """`url` itself when a CapabilityStatement is there, else its `/fhir`, as this adapter's own address has it."""
    url = url.rstrip("/")
    if url.endswith("/fhir"):
        return url
    try:
        answer = Exchange(url, lambda partner: None).send("GET", "metadata", None)
    except requests.RequestException:
        return f"{url}/fhir"  # each step will say that nobody answers
    is_base = isinstance(answer.body, dict) and answer.body.get("resourceType") == "CapabilityStatement"
    return url if is_base else f"{url}/fhir"


def _listening(ports: dict[str, int], stack: ExitStack) -> dict[str, SimulatedPartner]:
    """All simulated partners or none: with half of them, steps would fail for no fault of the server."""
    try:
        return {partner: stack.enter_context(SimulatedPartner(partner, port)) for partner, port in ports.items()}
    except OSError as error:
        print(f"notification steps will be skipped: a simulated partner's port is taken ({error.strerror})")
        return {}
