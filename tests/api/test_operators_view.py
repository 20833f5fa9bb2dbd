"""What an operator and a stranger are told: metrics of the backlog, operations that are not there, challenges."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from whole_house import RECEIVER, SENDER, Caller, WholeHouse

from adapter.api.health import health_routes
from adapter.domain.errors import Unavailable


def measured(text: str) -> dict[str, float]:
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("handoff_"))
    return {name: float(value) for name, value in lines}


def test_what_waits_to_be_delivered_is_counted_by_the_database(house: WholeHouse) -> None:
    before = measured(house.nobody.get("/metrics").raw.decode())
    assert before["handoff_database_up"] == 1
    house.begin(owner=RECEIVER, sender=SENDER)
    after = measured(house.nobody.get("/metrics").raw.decode())
    pending = 'handoff_notifications_waiting{state="pending"}'
    assert after[pending] == before[pending] + 1
    assert after['handoff_notifications_waiting{state="parked"}'] >= 0
    assert after["handoff_oldest_notification_seconds"] >= 0


def test_metrics_are_answered_while_the_database_is_down() -> None:
    def down() -> Any:
        raise Unavailable("down")

    app = Flask(__name__)
    app.register_blueprint(health_routes(down, down, down))
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert measured(answer.text)["handoff_database_up"] == 0


@pytest.mark.parametrize("path", ["$nonsense", "Task/$nonsense", "Patient/$everything", "Task/$meta"])
def test_an_operation_that_is_not_there_is_called_that(sender: Caller, path: str) -> None:
    for method in ("GET", "POST"):
        got = sender.send(method, path, {"resourceType": "Parameters"} if method == "POST" else None)
        assert got.status in {404, 405}, got.raw
        if got.status == 404:
            assert got.tree["issue"][0]["code"] == "not-supported"
            assert "expected an operation of this server" in got.tree["issue"][0]["details"]["text"]


def test_a_bad_token_is_challenged_with_the_reason_and_a_missing_one_without(house: WholeHouse) -> None:
    assert house.nobody.get("Task").headers["WWW-Authenticate"] == "Bearer"
    got = house.nobody.send("GET", "Task", headers={"Authorization": "Bearer a.b.c"})
    assert (got.status, got.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
