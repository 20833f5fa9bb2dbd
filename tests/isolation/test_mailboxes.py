"""What partners are told is delivered to those that have a part, and to nobody else, whatever they subscribe to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from played_house import PlayedHouse, played_house
from running_house import until
from tenants import subscription
from whole_house import RECEIVER, SENDER, THIRD


@pytest.fixture
def played(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedHouse]:
    with played_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("demo")) as made:
        yield made


def test_the_mailboxes_of_others_stay_empty(played: PlayedHouse) -> None:
    task = played.play("mobile-crisis-to-outpatient/accepted-and-completed")
    told = {id_ for id_, partner in played.partners.items() if partner.inbox.receipts}
    assert told == {SENDER, RECEIVER}
    for id_ in played.partners.keys() - told:
        assert task not in str(played.caller(id_).get(f"Subscription/{id_}/$events").tree)


def test_a_subscription_to_everything_tells_of_ones_own(played: PlayedHouse) -> None:
    for id_ in (SENDER, THIRD):
        made = {"resourceType": "Subscription", **subscription("created", played.partners[id_].address)}
        caller = played.caller(id_)
        address = f"Subscription/{caller.post('Subscription', made).tree['id']}"
        until(lambda caller=caller, address=address: caller.get(address).tree["status"] == "active")
    begun = played.begin()

    def told(partner: str) -> list[str]:
        receipts = played.partners[partner].inbox.receipts
        return [str(receipt.body) for receipt in receipts if receipt.path == "/created"]

    until(lambda: any(begun.id in body for body in told(SENDER)), 30, "what happened to its own handoff")
    assert told(THIRD), "the handshake"
    assert not any(begun.id in body or begun.patient in body for body in told(THIRD))
