"""What is still to be told: to us, and to the other side of our handoffs. Nobody sees what waits for others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from played_house import PlayedHouse
from web_page import WebPage
from whole_house import Begun

from adapter.storage.lanes import LaneStore
from adapter.use_cases.deliver import park_lane
from adapter.use_cases.delivery_ports import Pending

OTHERS, OURS = "What others have not been told", "What we have not been told"
ERROR = "expected 2xx from the endpoint, got 503"
SIDES = {"sender": "crisis-stabilization", "owner": "perinatal-clinic"}
SENDER, RECEIVER, THIRD = *SIDES.values(), "hie-router"


def look(house: PlayedHouse, partner: str) -> WebPage:
    got = house.caller(partner).get("/deliveries", Accept="text/html")
    assert got.status == 200, got.raw[:500]
    page = WebPage(got.raw.decode())
    assert page.faults() == []
    return page


@pytest.fixture
def begun(house: PlayedHouse) -> Begun:
    return house.begin(**SIDES)


@pytest.fixture
def head(house: PlayedHouse, begun: Begun) -> Pending:
    found = LaneStore(house.house.store.engine).head(f"{RECEIVER}:{begun.id}")
    assert found is not None
    return found


def line_of(page: WebPage, begun: Begun, section: str) -> list[str]:
    return next(row for row in page.table(section) if row[0].endswith(begun.id))


def test_the_sender_sees_that_the_recipient_does_not_know_yet(house: PlayedHouse, begun: Begun) -> None:
    page = look(house, SENDER)
    assert line_of(page, begun, OTHERS)[1:3] == ["Pacific Perinatal Mental Health", "1"]
    assert line_of(page, begun, OTHERS)[4] == "on its way"
    assert page.table(OURS) == []
    assert f"/handoffs/{begun.id}" in [link.attributes["href"] for link in page.all("a")]


def test_the_recipient_sees_what_its_endpoint_answered_and_the_sender_does_not(
    house: PlayedHouse, begun: Begun, head: Pending
) -> None:
    LaneStore(house.house.store.engine).refused(head, ERROR, timedelta(minutes=5))
    ours = line_of(look(house, RECEIVER), begun, OURS)
    assert (ours[5], ours[-1]) == ("1", ERROR)
    assert ERROR not in look(house, SENDER).said


def test_what_was_given_up_says_so(house: PlayedHouse, begun: Begun) -> None:
    assert park_lane(LaneStore(house.house.store.engine), f"{RECEIVER}:{begun.id}", house.house.clock.now())
    assert line_of(look(house, SENDER), begun, OTHERS)[4] == "given up until somebody retries"


def test_what_waits_for_others_is_nobody_elses_business(house: PlayedHouse, begun: Begun) -> None:
    page = look(house, THIRD)
    assert page.table(OTHERS) == page.table(OURS) == []
    assert begun.id not in page.said


def test_who_may_no_longer_read_a_handoff_does_not_see_whom_it_waits_for(house: PlayedHouse, begun: Begun) -> None:
    assert house.caller(RECEIVER).move(begun.task, "rejected", reason="no capacity").status == 200
    assert begun.id not in [row[0] for row in look(house, RECEIVER).table(OTHERS)]
    assert line_of(look(house, SENDER), begun, OURS)


def test_a_token_without_tasks_sees_nothing(house: PlayedHouse) -> None:
    assert house.caller(SENDER, "system/Patient.rs").get("/deliveries", Accept="text/html").status == 403
