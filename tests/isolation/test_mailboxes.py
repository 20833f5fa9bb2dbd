"""What partners are told is delivered to those that have a part, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from played_house import PlayedHouse, played_house


@pytest.fixture
def played(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedHouse]:
    with played_house(postgres.postgres.url(postgres.clone()), tmp_path_factory.mktemp("demo")) as made:
        yield made


def test_the_mailboxes_of_others_stay_empty(played: PlayedHouse) -> None:
    task = played.play("mobile-crisis-to-outpatient/accepted-and-completed")
    partners = played.partners
    told = {id_ for id_, partner in partners.items() if partner.inbox.told_about(f"Task/{task}")}
    assert told == {"mobile-crisis", "outpatient-clinic"}
    assert {id_ for id_, partner in partners.items() if partner.inbox.receipts} == told
    for id_ in partners.keys() - told:
        assert "notification-event" not in str(played.caller(id_).get(f"Subscription/{id_}/$events").tree)
