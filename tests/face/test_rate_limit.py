"""429 beyond the rate: for each organisation, and for each address that shows no good token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from whole_house import RECEIVER, SENDER, Caller, WholeHouse, bundle, entry, transaction

from adapter.api import rate_limit
from adapter.api.rate_limit import Buckets
from adapter.app import House, create_app

PATIENT = {"resourceType": "Patient", "identifier": [{"system": "urn:example:rate", "value": "1"}]}


@dataclass
class Seconds:
    """A clock that moves when it is told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Limited(WholeHouse):
    seconds: Seconds

    @property
    def sender(self) -> Caller:
        return self.caller(SENDER)


@pytest.fixture
def limited(house: WholeHouse) -> Limited:
    """Two requests a second and five at once for an organisation; one, and three at once, for an address."""
    rates = {"client_rate": 2, "client_burst": 5, "address_rate": 1, "address_burst": 3}
    seconds, made = Seconds(), with_settings(house, **rates)
    return Limited(made, create_app(made, seconds), seconds)


def with_settings(house: WholeHouse, **settings: Any) -> House:
    return replace(house.house, settings=house.house.settings.model_copy(update=settings))


def statuses(ask: Callable[[], Any], times: int) -> list[int]:
    return [ask().status for _ in range(times)]


def test_beyond_its_burst_a_client_is_refused_with_429_and_told_when_to_come_again(limited: Limited) -> None:
    sender = limited.sender
    assert statuses(lambda: sender.get("Patient"), 5) == [200] * 5
    refused = sender.get("Patient")
    assert (refused.status, refused.code) == (429, "throttled")
    assert refused.headers["Retry-After"] == "1"
    assert "nothing was kept" in refused.text
    limited.seconds.now += 1
    assert statuses(lambda: sender.get("Patient"), 3) == [200, 200, 429]
    limited.seconds.now += 3600
    assert statuses(lambda: sender.get("Patient"), 6) == [200] * 5 + [429], "quiet saves up no more than the burst"


def test_another_organisation_is_not_kept_out(limited: Limited) -> None:
    assert statuses(lambda: limited.sender.get("Patient"), 6)[-1] == 429
    assert limited.caller(RECEIVER).get("Patient").status == 200


def test_what_was_refused_was_not_kept_and_is_taken_when_it_is_sent_again(limited: Limited) -> None:
    sender = limited.sender
    assert statuses(lambda: sender.get("Patient"), 5) == [200] * 5
    assert sender.post("Patient", PATIENT, X_Request_ID="once").status == 429
    limited.seconds.now += 2
    assert sender.search("Patient?identifier=urn:example:rate|1") == []
    first = sender.post("Patient", PATIENT, X_Request_ID="once")
    assert first.status == 201
    assert sender.post("Patient", PATIENT, X_Request_ID="once").raw == first.raw
    assert len(sender.search("Patient?identifier=urn:example:rate|1")) == 1


def test_a_bundle_is_one_request_however_long_it_is(limited: Limited) -> None:
    many = bundle(*(entry("GET", f"Patient/{n}") for n in range(50)), type="batch")
    assert limited.sender.post("", many).status == 200
    assert limited.sender.post("", transaction(*[PATIENT] * 50)).status == 200
    assert statuses(lambda: limited.sender.get("Patient"), 4) == [200, 200, 200, 429]


@pytest.mark.parametrize("path", ["", "Task/1/$evidence", "/handoffs/1", "/handoffs", "/", "$process-message"])
def test_every_door_counts(limited: Limited, path: str) -> None:
    sender = limited.sender
    statuses(lambda: sender.get("Patient"), 5)
    method = "POST" if path in {"", "/handoffs", "$process-message"} else "GET"
    refused = sender.send(method, path, {} if method == "POST" else None)
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "1"


@pytest.mark.parametrize("bearer", [None, "nonsense"])
def test_without_a_good_token_the_address_is_counted_and_nobody_else(limited: Limited, bearer: str | None) -> None:
    stranger = Caller(limited.app, bearer)
    assert statuses(lambda: stranger.get("Patient"), 4) == [401, 401, 401, 429]
    assert statuses(lambda: limited.sender.get("Patient"), 5) == [200] * 5, "from the same address, with a good token"
    limited.seconds.now += 1
    assert statuses(lambda: stranger.get("Patient"), 2) == [401, 429]


def test_asking_for_tokens_is_counted_by_address(limited: Limited) -> None:
    def ask(address: str = "192.0.2.1") -> Any:
        form = {"grant_type": "client_credentials", "client_assertion": "x"}
        where = {"REMOTE_ADDR": address}
        return limited.app.test_client().post("/oauth/token", data=form, environ_overrides=where)

    assert [ask().status_code for _ in range(4)] == [400, 400, 400, 429]
    assert ask().headers["Retry-After"] == "1"
    assert ask("192.0.2.2").status_code == 400
    v6 = [ask(f"2001:db8::{n}").status_code for n in range(4)]
    assert v6 == [400, 400, 400, 429], "a host has a whole network of 64 bits"
    assert ask("2001:db8:0:1::1").status_code == 400


def test_whether_the_server_is_well_may_be_asked_at_any_rate(limited: Limited) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert statuses(lambda path=path: limited.nobody.get(path), 20) == [200] * 20  # type: ignore[misc]
    assert limited.nobody.get("metadata").status == 200


def test_how_often_it_happened_is_counted_without_a_name(limited: Limited) -> None:
    def counted(what: str) -> float:
        return REGISTRY.get_sample_value("handoff_throttled_requests_total", {"counted": what}) or 0.0

    before = counted("client"), counted("address")
    statuses(lambda: limited.sender.get("Patient"), 7)
    statuses(lambda: limited.nobody.get("Patient"), 4)
    assert (counted("client"), counted("address")) == (before[0] + 2, before[1] + 1)


@pytest.mark.parametrize(
    ("proxies", "expected"), [(0, [401, 401, 401, 429]), (1, [401] * 4), (2, [401, 401, 401, 429])]
)
def test_behind_proxies_the_address_is_what_the_outermost_trusted_one_saw(
    limited: Limited, proxies: int, expected: list[int]
) -> None:
    """An address that the client itself wrote there counts for nothing."""
    client = create_app(with_settings(limited, proxies=proxies), limited.seconds).test_client()
    got = [
        client.get(
            "/fhir/Patient", headers={"X-Forwarded-For": f"203.0.113.{n}, 198.51.100.7, 192.0.2.{n}"}
        ).status_code
        for n in range(4)
    ]
    assert got == expected


def test_a_rate_of_nothing_is_no_limit(limited: Limited) -> None:
    made = with_settings(limited, client_rate=0, address_rate=0)
    open_house = WholeHouse(made, create_app(made, limited.seconds))
    assert statuses(lambda: open_house.caller(SENDER).get("Patient"), 50) == [200] * 50
    assert statuses(lambda: open_house.nobody.get("Patient"), 50) == [401] * 50


def test_of_many_keys_those_in_use_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MOST_KEPT", 100)
    seconds = Seconds()
    buckets = Buckets(rate=1, burst=10, seconds=seconds)
    assert [bool(buckets.take("busy")) for _ in range(11)] == [False] * 10 + [True]
    for n in range(1000):
        buckets.take(f"other {n}")
    assert len(buckets._full_at) <= 100
    assert buckets.take("busy") > 0


@pytest.mark.parametrize(("rate", "burst"), [(3, 7), (0.1, 1), (500, 5000)])
def test_in_the_long_run_the_rate_is_kept(rate: float, burst: int) -> None:
    seconds = Seconds()
    buckets = Buckets(rate, burst, seconds)
    taken = 0
    for _ in range(4000):
        seconds.now += 1 / (4 * rate)
        taken += not buckets.take("x")
    assert abs(taken - (burst + 1000)) <= 1 or taken == 4000 < burst + 1000
