"""Requests that meet: the same one sent at once by many has one effect, and one of many answers wins."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from running_house import RunningHouse
from whole_house import bundle, entry, referral

from adapter.testkit.checks import Answer
from adapter.testkit.generator import OWNER, REQUESTER

AT_ONCE = 8


def at_once(work: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """All of it at the same moment."""
    gate = threading.Barrier(len(work))

    def run(one: Callable[[], Answer]) -> Answer:
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(run, work))


def sent_at_once(house: RunningHouse, path: str, tree: Any, actor: str = REQUESTER, **headers: str) -> list[Answer]:
    house.exchange.token(actor)
    return at_once([lambda: house.send("POST", path, actor, tree, **headers)] * AT_ONCE)


def one_answer(answers: list[Answer]) -> Answer:
    assert {answer.status for answer in answers} <= {200, 201}, [answer.body for answer in answers]
    assert len({answer.raw for answer in answers}) == 1, "equal requests were answered in different ways"
    for header in ("Location", "ETag"):
        assert len({answer.headers.get(header) for answer in answers}) == 1
    return answers[0]


def counted(house: RunningHouse) -> Counter[str]:
    """Rows of whatever a handoff writes once."""
    tables = ("resource_version", "handoff", "deadline", "request_record", "conditional_create")
    rows = Counter({t: house.rows(f"SELECT count(*) FROM {t}")[0][0] for t in tables})
    # Deliveries of earlier rounds are written down meanwhile.
    rows["ledger_event"] = house.rows("SELECT count(*) FROM ledger_event WHERE NOT starts_with(kind, 'delivery:')")[0][
        0
    ]
    return rows


def grown(house: RunningHouse, before: Counter[str]) -> dict[str, int]:
    after = counted(house)
    return {table: after[table] - before[table] for table in after}


ROUNDS = [pytest.param(5, id="short"), pytest.param(60, id="long", marks=pytest.mark.faults)]


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("key", [None, "a key of the sender"])
def test_one_transaction_sent_by_eight_at_once_begins_one_handoff(
    lasting: RunningHouse, rounds: int, key: str | None
) -> None:
    for _ in range(rounds):
        before, headers = counted(lasting), {"X_Request_ID": uuid4().hex} if key else {}
        # Without a key of the sender the bytes are the key; each thread then has a request id of its own.
        sent = referral()
        if not key:
            lasting.exchange.token(REQUESTER)
            answers = at_once([lambda sent=sent: without_key(lasting, sent)] * AT_ONCE)  # type: ignore[misc]
        else:
            answers = sent_at_once(lasting, "", sent, **headers)
        one_answer(answers)
        now = grown(lasting, before)
        assert (now["resource_version"], now["handoff"], now["ledger_event"], now["request_record"]) == (3, 1, 1, 1)


def without_key(house: RunningHouse, tree: Any) -> Answer:
    """Exchange adds a fresh X-Request-ID to everything; a sender that knows no such header sends none."""
    import requests

    from mappings.json_codec import decode, encode

    token = house.exchange.token(REQUESTER)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    got = requests.post(house.server.fhir_url, data=encode(tree), headers=headers, timeout=30)
    return Answer(got.status_code, got.headers, decode(got.content), got.content)


def message() -> dict[str, Any]:
    sent = referral()
    header = {
        "resourceType": "MessageHeader",
        "id": str(uuid4()),
        "eventUri": "urn:events:referral",
        "source": {"endpoint": "urn:source"},
        "destination": [{"endpoint": f"https://handoff.example/fhir/NamingSystem/partner|{OWNER}"}],
        "focus": [{"reference": sent["entry"][1]["fullUrl"]}],
    }
    entries = [{key: value for key, value in each.items() if key != "request"} for each in sent["entry"][:2]]
    return {**bundle({"resource": header}, *entries, type="message"), "id": str(uuid4())}


@pytest.mark.parametrize("rounds", ROUNDS)
def test_one_message_sent_by_eight_at_once_begins_one_handoff(lasting: RunningHouse, rounds: int) -> None:
    for _ in range(rounds):
        before = counted(lasting)
        answers = sent_at_once(lasting, "$process-message", message(), X_Request_ID=uuid4().hex)
        one_answer(answers)
        now = grown(lasting, before)
        assert (now["resource_version"], now["handoff"], now["ledger_event"]) == (4, 1, 1)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_eight_conditional_creates_at_once_make_one_resource(lasting: RunningHouse, rounds: int) -> None:
    for _ in range(rounds):
        number = uuid4().hex
        tree = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": number}]}
        answers = at_once(
            [
                lambda t=tree, n=number: lasting.send(
                    "POST", "Patient", REQUESTER, t, If_None_Exist=f"identifier=urn:x|{n}"
                )
            ]  # type: ignore[misc]
            * AT_ONCE
        )
        assert sorted(answer.status for answer in answers) == [200] * (AT_ONCE - 1) + [201]
        assert len({answer.body["id"] for answer in answers}) == 1
        found = lasting.send("GET", f"Patient?identifier=urn:x|{number}&_total=accurate", REQUESTER)
        assert found.body["total"] == 1


@pytest.mark.parametrize("rounds", ROUNDS)
def test_eight_bundles_with_one_condition_at_once_share_the_person(lasting: RunningHouse, rounds: int) -> None:
    for _ in range(rounds):
        number = uuid4().hex
        patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": number}]}
        criteria = f"identifier=urn:x|{number}"

        def send(patient: Any = patient, criteria: str = criteria) -> Answer:
            sent = referral()
            sent["entry"][0] |= entry("POST", "Patient", patient, ifNoneExist=criteria)
            return lasting.send("POST", "", REQUESTER, sent)

        answers = at_once([send] * AT_ONCE)
        assert {answer.status for answer in answers} <= {200, 409}, [answer.body for answer in answers]
        done = [answer for answer in answers if answer.status == 200]
        assert len({each.body["entry"][0]["response"]["location"] for each in done}) == 1
        assert len({each.body["entry"][2]["response"]["location"] for each in done}) == len(done)


@contextmanager
def a_handoff(house: RunningHouse) -> Iterator[str]:
    sent = house.send("POST", "", REQUESTER, referral())
    yield sent.body["entry"][2]["response"]["location"].partition("/_history")[0]


def answers_to(house: RunningHouse, task: str, moves: Sequence[tuple[str, str]]) -> list[Answer]:
    """Each (actor, status) decided on the version that is there now, and sent at the same moment."""
    seen = house.send("GET", task, OWNER)

    def move(actor: str, status: str) -> Answer:
        tree = {**seen.body, "status": status, "statusReason": {"text": "decided"}}
        return house.send("PUT", task, actor, tree, If_Match=seen.headers["ETag"])

    for actor in {actor for actor, _ in moves}:
        house.exchange.token(actor)
    return at_once([lambda m=m: move(*m) for m in moves])  # type: ignore[misc]


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize(
    "moves",
    [
        pytest.param([(OWNER, "accepted")] * AT_ONCE, id="eight acceptances"),
        pytest.param([(OWNER, "accepted"), (OWNER, "rejected")] * 4, id="acceptances against refusals"),
        pytest.param([(OWNER, "accepted"), (REQUESTER, "cancelled")] * 4, id="acceptances against withdrawals"),
    ],
)
def test_of_answers_given_at_once_one_wins_and_the_others_are_told(
    lasting: RunningHouse, rounds: int, moves: list[tuple[str, str]]
) -> None:
    for _ in range(rounds):
        with a_handoff(lasting) as task:
            answers = answers_to(lasting, task, moves)
            won = [answer for answer in answers if answer.status == 200]
            assert len(won) == 1, [(answer.status, answer.body) for answer in answers]
            # After a refusal the recipient no longer sees the Task: 405, as for one that is not there.
            assert {answer.status for answer in answers} <= {200, 405, 409, 412}
            now = lasting.send("GET", task, REQUESTER).body
            assert (now["status"], now["meta"]["versionId"]) == (won[0].body["status"], "2")
            line = lasting.exchange.send("GET", f"../handoffs/{task[5:]}", REQUESTER).body["timeline"]
            steps = [event["status_to"] for event in line if event["status_to"]]
            assert steps == ["requested", now["status"]]


def test_a_store_without_its_unique_key_is_caught_by_these_races(lasting: RunningHouse) -> None:
    """The seeded bug: without the unique key of requests, the same request has several effects."""
    lasting.run("ALTER TABLE request_record DROP CONSTRAINT request_record_pkey")
    try:
        effects = set()
        for _ in range(10):
            before = counted(lasting)
            sent_at_once(lasting, "", referral(), X_Request_ID=uuid4().hex)
            effects.add(grown(lasting, before)["handoff"])
        assert max(effects) > 1, "eight threads at once never met: these tests prove nothing"
    finally:
        lasting.run(
            "DELETE FROM request_record a USING request_record b"
            " WHERE a.ctid < b.ctid AND a.tenant = b.tenant AND a.key = b.key;"
            "ALTER TABLE request_record ADD CONSTRAINT request_record_pkey PRIMARY KEY (tenant, key)"
        )
