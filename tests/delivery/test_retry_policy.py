"""How long is waited, how often is tried, and how many sends one partner may occupy."""

from __future__ import annotations

from datetime import timedelta

from adapter.use_cases.deliver import DEMO, PRODUCTION, Crowd, RetryPolicy, request_id


def test_waits_grow_from_seconds_to_an_hour() -> None:
    waits = [PRODUCTION.delay(attempt).total_seconds() for attempt in range(1, 12)]
    for wait, nominal in zip(waits, [5, 15, 60, 300, 900, 1800, 3600, 3600, 3600, 3600, 3600], strict=True):
        assert 0.9 * nominal <= wait <= 1.1 * nominal


def test_three_days_of_waiting_pass_before_a_person_is_asked() -> None:
    def waited(policy: RetryPolicy) -> float:
        last = len(policy.delays) - 1
        return sum(policy.delays[min(attempt, last)] for attempt in range(policy.attempts))

    assert timedelta(days=3) <= timedelta(seconds=waited(PRODUCTION)) <= timedelta(days=3, hours=1)
    assert timedelta(minutes=30) <= timedelta(seconds=waited(DEMO)) <= timedelta(minutes=30, seconds=5)
    assert RetryPolicy((1, 10), timedelta(seconds=5), 1).attempts == 2


def test_retry_after_is_kept_to_but_not_for_ever() -> None:
    assert PRODUCTION.delay(1, timedelta(minutes=10)) == timedelta(minutes=10)
    assert PRODUCTION.delay(1, timedelta(days=400)) == PRODUCTION.longest_retry_after
    assert PRODUCTION.delay(7, timedelta(seconds=1)) > timedelta(minutes=50)


def test_the_request_id_is_one_per_notification_and_subscriber() -> None:
    assert request_id(7, "outpatient-clinic") == request_id(7, "outpatient-clinic")
    assert len({request_id(7, "a"), request_id(8, "a"), request_id(7, "b")}) == 3


def test_one_partner_gets_half_of_the_workers_and_a_slow_one_two() -> None:
    now = [0.0]
    crowd = Crowd(concurrency=8, seconds=lambda: now[0])
    places = [crowd.place("slow") for _ in range(5)]
    assert [place.__enter__() for place in places] == [True, True, True, True, False]
    with crowd.place("other") as room:
        assert room
    for place in places[2:]:
        place.__exit__(None, None, None)
    now[0] = 2.0
    with crowd.place("slow") as room:
        assert not room
    places[0].__exit__(None, None, None)
    places[1].__exit__(None, None, None)
    with crowd.place("slow") as room:
        assert room
