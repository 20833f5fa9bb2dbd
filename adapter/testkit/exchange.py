"""The wire: sends one request as one partner, with that partner's own token, and decodes the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import requests

from adapter.clock import SystemClock
from adapter.domain.errors import Malformed
from adapter.testkit.checks import Answer
from mappings.json_codec import decode

TokenOf = Callable[[str], str | None]
"""Partner id → its access token now, or None where the partner has none. Called from several threads."""

_FHIR = "application/fhir+json"
_TIMEOUT_SECONDS = 30.0


class Exchange:
    """`base_url` is the FHIR base (`http://127.0.0.1:8080/fhir`). Safe to use from several threads."""

    def __init__(self, base_url: str, token_of: TokenOf):
        self.base_url = base_url.rstrip("/")
        self._clock_of_this_machine = SystemClock()
        self._token_of = token_of
        self._sessions = threading.local()

    def token(self, actor: str | None) -> str | None:
        return None if actor is None else self._token_of(actor)

    def send(
        self, method: str, path: str, actor: str | None, headers: dict[str, str] | None = None, raw: bytes | None = None
    ) -> Answer:
        """One request. A fresh X-Request-ID unless given; JSON Patch when the content is a list."""
        sent = {"Accept": _FHIR, "X-Request-ID": str(uuid4())}
        token = self.token(actor)
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if raw is not None:
            is_json_patch = method == "PATCH" and raw.lstrip()[:1] == b"["
            sent["Content-Type"] = "application/json-patch+json" if is_json_patch else _FHIR
        sent.update(headers or {})
        url = f"{self.base_url}/{path}" if path else self.base_url
        response = self._session().request(method, url, headers=sent, data=raw, timeout=_TIMEOUT_SECONDS)
        return Answer(response.status_code, response.headers, _decoded(response.content), response.content)

    def advance_clock(self, length: str) -> int:
        """Demo servers only: moves the server's clock (`PT48H`) and returns the status."""
        answer = self._clock(length)
        return answer.status_code

    def has_demo_clock(self) -> bool:
        """Whether the server offers POST /demo/clock: advancing by nothing changes nothing."""
        try:
            return self._clock("PT0S").status_code == 200
        except requests.RequestException:
            return False

    def now(self) -> datetime:
        """The time by which the server judges deadlines: a demo server's own, else this machine's."""
        try:
            return datetime.fromisoformat(self._clock("PT0S").json()["now"])
        except (requests.RequestException, ValueError, LookupError, TypeError):
            return self._clock_of_this_machine.now()

    def _clock(self, length: str) -> requests.Response:
        url = self.base_url.rsplit("/", 1)[0] + "/demo/clock"
        return self._session().post(url, json={"advance": length}, timeout=_TIMEOUT_SECONDS)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = requests.Session()
            # No proxy, netrc or certificate path of the environment may change what a scenario proves.
            session.trust_env = False
            self._sessions.session = session
        return session


def _decoded(content: bytes) -> Any:
    try:
        return decode(content)
    except Malformed:
        return None
