"""Keys at a partner's own address: fetched with care, kept a while, asked for again when a key is new."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from door import Door, Elapsed, private_key, public_part

from adapter.api.client_keys import KEPT_SECONDS, REFETCH_SECONDS, ClientKeys
from adapter.delivery.outbound import DEMO, PRODUCTION, Outbound
from adapter.domain.partner import Partner

KEY = private_key("p-1")
NEW_KEY = private_key("p-2")


class Publisher:
    """A partner's web server with its JWK Set."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = json.dumps(public_part(KEY)).encode()
        self.asked = 0
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked += 1
                self.send_response(publisher.status)
                for name, value in publisher.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(publisher.body)))
                self.end_headers()
                self.wfile.write(publisher.body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    @contextmanager
    def running(self) -> Iterator[Publisher]:
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        yield self
        self.server.shutdown()
        self.server.server_close()
        thread.join()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher().running() as publisher:
        yield publisher


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


def test_a_partner_with_published_keys_gets_a_token(door: Door, publisher: Publisher) -> None:
    door.register.put(Partner(id="p", name="P", jwks_url=publisher.url))
    for number in range(3):
        claims = door.claims(iss="p", sub="p", jti=str(number))
        assert door.ask(door.sign(claims, KEY)).status_code == 200
    assert publisher.asked == 1


def test_a_jku_header_that_is_the_registered_address_is_fine(door: Door, publisher: Publisher) -> None:
    door.register.put(Partner(id="p", name="P", jwks_url=publisher.url))
    claims = door.claims(iss="p", sub="p")
    assert door.ask(door.sign(claims, KEY, jku=publisher.url)).status_code == 200


def test_a_new_kid_is_looked_for_again_though_not_at_every_knock(publisher: Publisher, elapsed: Elapsed) -> None:
    keys = ClientKeys(Outbound(DEMO), elapsed)
    partner = Partner(id="p", name="P", jwks_url=publisher.url)
    assert keys.find(partner, "p-1") is not None
    publisher.body = json.dumps(public_part(NEW_KEY)).encode()
    for _ in range(50):
        assert keys.find(partner, "p-2") is None
    assert publisher.asked == 1, "whoever sends random kids makes us hammer a partner"
    elapsed.seconds += REFETCH_SECONDS
    assert keys.find(partner, "p-2") is not None
    assert keys.find(partner, "p-1") is None, "a key that was taken away still works"


def test_a_key_that_was_taken_away_ends_after_five_minutes_also_when_the_address_is_down(
    publisher: Publisher, elapsed: Elapsed
) -> None:
    keys = ClientKeys(Outbound(DEMO), elapsed)
    partner = Partner(id="p", name="P", jwks_url=publisher.url)
    assert keys.find(partner, "p-1") is not None
    publisher.status = 503
    elapsed.seconds += KEPT_SECONDS - 1
    assert keys.find(partner, "p-1") is not None
    elapsed.seconds += 1
    assert keys.find(partner, "p-1") is None


BAD: dict[str, tuple[int, dict[str, str], bytes]] = {
    "an error": (500, {}, b"{}"),
    "a redirect": (302, {"Location": "/elsewhere"}, json.dumps(public_part(KEY)).encode()),
    "no JSON": (200, {}, b"<html>"),
    "no key set": (200, {}, b"[]"),
    "a private key": (200, {}, json.dumps({"keys": [KEY]}).encode()),
    "more than 64 KB": (200, {}, json.dumps({**public_part(KEY), "x": "x" * 70_000}).encode()),
    "a kid twice": (200, {}, json.dumps(public_part(KEY, KEY)).encode()),
}


@pytest.mark.parametrize("bad", BAD)
def test_an_address_that_does_not_answer_with_public_keys_gives_no_key(publisher: Publisher, bad: str) -> None:
    publisher.status, publisher.headers, publisher.body = BAD[bad]
    partner = Partner(id="p", name="P", jwks_url=publisher.url)
    assert ClientKeys(Outbound(DEMO)).find(partner, "p-1") is None


def test_production_does_not_even_ask_an_address_inside_our_own_network(publisher: Publisher) -> None:
    partner = Partner(id="p", name="P", jwks_url=publisher.url)
    assert ClientKeys(Outbound(PRODUCTION)).find(partner, "p-1") is None
    assert publisher.asked == 0
