"""One running server for this room, as a user starts it: clients know nothing of the inside and use no fixture of ours
but the address, a key of a demo partner, and what to send."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from material import Material, made
from running_house import RunningHouse, running_house

from adapter.smart_client import client_assertion, obtain_token


@pytest.fixture(scope="session")
def running() -> Iterator[RunningHouse]:
    with running_house("--workers", "1") as house:
        yield house


@pytest.fixture(scope="session")
def base_url(running: RunningHouse) -> str:
    return running.server.fhir_url


@pytest.fixture(scope="session")
def key_of(running: RunningHouse) -> Callable[[str], dict[str, str]]:
    """Partner → its private JWK."""
    return lambda partner: json.loads((running.folder / "demo-keys" / f"{partner}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def token_of(base_url: str, key_of: Callable[[str], dict[str, str]]) -> Callable[[str], str]:
    """Partner → an access token by SMART Backend Services, for clients that leave it to their user to get one."""
    return lambda partner: obtain_token(base_url, partner, key_of(partner))


@pytest.fixture(scope="session")
def assertion_of(running: RunningHouse, key_of: Callable[[str], dict[str, str]]) -> Callable[[str], str]:
    """Partner → a signed assertion for one use, for clients that get the token for it by themselves."""
    return lambda partner: client_assertion(partner, f"{running.server.base_url}/oauth/token", key_of(partner))


@pytest.fixture
def material(request: pytest.FixtureRequest) -> Material:
    """Of a person whom no other test knows."""
    return made(request.node.nodeid)
