"""The partner's side, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from door import BASE_URL, CLINIC_KEY, OTHER_KEY, SECRET, Door
from flask import Flask
from werkzeug.serving import make_server

from adapter.api.access_token import AccessTokens
from adapter.api.client_assertion import ClientAssertions
from adapter.api.client_keys import ClientKeys
from adapter.api.token import token_blueprint
from adapter.clock import SystemClock
from adapter.delivery.outbound import DEMO, Outbound
from adapter.smart_client import TokenRefused, TokenSource, obtain_token


@pytest.fixture
def url(door: Door) -> Iterator[str]:
    """A server that lives in real time, as a token endpoint must."""
    app = Flask("smart")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    clock = SystemClock()
    assertions = ClientAssertions(f"{url}/oauth/token", door.register, ClientKeys(Outbound(DEMO)), door.used, clock)
    tokens = AccessTokens(SECRET, f"{BASE_URL}/fhir")
    app.register_blueprint(token_blueprint(tokens, assertions, clock, token_url=f"{url}/oauth/token", lifetime=31))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield url
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["", "/", "/fhir", "/fhir/"])
def test_a_partner_obtains_a_token_with_its_key(door: Door, url: str, path: str) -> None:
    token = obtain_token(url + path, "clinic", CLINIC_KEY, "system/Task.rs")
    access = AccessTokens(SECRET, f"{BASE_URL}/fhir").verify(token, 0)
    assert (access.tenant, str(access.scopes)) == ("clinic", "system/Task.rs")


def test_a_refusal_shows_the_servers_own_words(url: str) -> None:
    with pytest.raises(TokenRefused, match=r"answered 400: .*invalid_client"):
        obtain_token(url, "clinic", OTHER_KEY)


def test_a_token_source_asks_again_only_when_the_token_is_about_to_end(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    source = TokenSource(url, "clinic", CLINIC_KEY)
    first = source.token()
    assert source.token() == first
    later = time.monotonic() + 16
    monkeypatch.setattr("adapter.smart_client.time.monotonic", lambda: later)
    assert source.token() != first
