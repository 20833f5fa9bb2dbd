"""The register: kept, seen by every process within two seconds, and never ambiguous."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from door import Door, Elapsed
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from adapter.config import DatabaseFacts
from adapter.domain.errors import Invalid, NotFound, Unavailable
from adapter.domain.partner import Channel, Identifier, Partner
from adapter.storage.database_facts import database_facts
from adapter.storage.partner_register import FRESH_SECONDS, PartnerRegister
from adapter.storage.tables import assertion_seen
from adapter.storage.used_assertions import UsedAssertions
from mappings.canonicals import PARTNER_SYSTEM

WHOLE = Partner(
    id="a",
    name="A",
    identifiers=(Identifier("urn:x", "1"), Identifier(PARTNER_SYSTEM, "a")),
    endpoints=("https://a.example/fhir",),
    channels=(Channel("rest-hook", "https://a.example/hook", headers={"Authorization": "Bearer x"}),),
    holidays="US",
    services=({"id": "s", "name": "S", "hours": [{"days": ["mon"], "from": "09:00", "to": "10:00"}]},),
)


def test_a_partner_is_kept_as_it_was_put(empty: Engine) -> None:
    PartnerRegister(empty).put(WHOLE)
    directory = PartnerRegister(empty).directory()
    assert list(directory) == [WHOLE]
    assert directory.by_identifier("urn:x", "1") == WHOLE
    assert directory.by_identifier(PARTNER_SYSTEM, "a") == WHOLE
    assert directory.by_endpoint("urn:x|1") == WHOLE


def test_another_process_sees_a_change_when_its_snapshot_is_a_second_old(empty: Engine) -> None:
    elapsed = Elapsed()
    here, there = PartnerRegister(empty), PartnerRegister(empty, elapsed)
    here.put(WHOLE)
    assert there.directory().get("a") == WHOLE
    here.disable("a")
    elapsed.seconds += FRESH_SECONDS - 0.01
    seen = there.directory().get("a")
    assert seen is not None and seen.active, "a snapshot is asked for far too often"
    elapsed.seconds += 0.01
    seen = there.directory().get("a")
    assert seen is not None and not seen.active


def test_the_tokens_of_a_disabled_partner_stop_in_every_process_within_two_seconds(door: Door, engine: Engine) -> None:
    token = door.token()
    elsewhere = door.new_process(PartnerRegister(engine)).test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert elsewhere.get("/whoami", headers=headers).status_code == 200
    door.register.disable("clinic")
    start = time.monotonic()
    while elsewhere.get("/whoami", headers=headers).status_code == 200:
        assert time.monotonic() - start < 2
        time.sleep(0.01)


def test_an_unchanged_register_gives_the_same_snapshot(empty: Engine) -> None:
    elapsed = Elapsed()
    register = PartnerRegister(empty, elapsed)
    register.put(WHOLE)
    first = register.directory()
    elapsed.seconds += 10
    assert register.directory() is first
    register.put(WHOLE)
    assert register.directory() is first, "the same partner was written again"


def test_a_put_is_whole_or_not_at_all(empty: Engine) -> None:
    register = PartnerRegister(empty)
    register.put(WHOLE)
    fine = Partner(id="b", name="B")
    taken = Partner(id="c", name="C", identifiers=(Identifier("urn:x", "1"),))
    with pytest.raises(Invalid, match=r"`urn:x\|1` to name one partner"):
        register.put(fine, taken)
    assert [partner.id for partner in register.directory()] == ["a"]


def test_partners_that_name_one_another_can_be_put_together(empty: Engine) -> None:
    one = Partner(id="b", name="B", alternate_contacts=("c",))
    other = Partner(id="c", name="C", escalation_owner="b")
    register = PartnerRegister(empty)
    with pytest.raises(Invalid, match="expected the id of a registered partner, got `c`"):
        register.put(one)
    register.put(one, other)
    assert len(list(register.directory())) == 2


def test_of_eight_partners_that_claim_one_identifier_at_once_one_gets_it(empty: Engine) -> None:
    def claim(number: int) -> bool:
        try:
            identifier = Identifier("urn:claimed", "1")
            PartnerRegister(empty).put(Partner(id=f"p{number}", name="P", identifiers=(identifier,)))
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claim, range(8))) == 1
    assert len(list(PartnerRegister(empty).directory())) == 1


def test_who_is_not_registered_cannot_be_disabled(empty: Engine) -> None:
    with pytest.raises(NotFound, match="`nobody`"):
        PartnerRegister(empty).disable("nobody")


def test_a_disabled_partner_can_be_put_again(empty: Engine) -> None:
    register = PartnerRegister(empty)
    register.put(WHOLE)
    assert register.disable("a") == replace(WHOLE, active=False)
    register.put(WHOLE)
    assert register.directory().get("a") == WHOLE


def test_without_a_database_nobody_is_let_in_on_an_old_snapshot(empty: Engine) -> None:
    elapsed = Elapsed()
    broken: Any = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1")
    register = PartnerRegister(empty, elapsed)
    register.put(WHOLE)
    assert register.directory().get("a") == WHOLE
    register._engine = broken  # the server went away
    assert register.directory().get("a") == WHOLE
    elapsed.seconds += FRESH_SECONDS
    with pytest.raises(Unavailable):
        register.directory()


def test_a_used_assertion_is_remembered_whatever_the_databases_clock_says(empty: Engine) -> None:
    used = UsedAssertions(empty)
    for year in (2000, 2026, 2100):
        expires_at = datetime(year, 1, 1, tzinfo=UTC)
        assert used.use_once("a", f"jti-{year}", expires_at)
        assert not used.use_once("a", f"jti-{year}", expires_at)


def test_assertions_that_ended_long_ago_are_forgotten(empty: Engine) -> None:
    used = UsedAssertions(empty)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    for minute in range(0, 240, 10):
        assert used.use_once("a", f"jti-{minute}", now + timedelta(minutes=minute))
    with empty.connect() as connection:
        kept = connection.execute(select(func.count()).select_from(assertion_seen)).scalar_one()
    assert kept == 7, "the last hour's, in steps of ten minutes"


def test_a_database_tells_what_it_is_and_who_we_are_in_it(postgres: Any, empty: Engine) -> None:
    with empty.connect() as connection:  # tests/conftest.py runs its own server without, for speed
        asked = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in ("fsync", "full_page_writes")]
        commit = connection.execute(text("SHOW synchronous_commit")).scalar_one()
    fsync, full_page_writes = (answer == "on" for answer in asked)
    assert database_facts(empty) == DatabaseFacts(False, False, commit, fsync, full_page_writes)
    superuser = create_engine(postgres.postgres.url("postgres", "postgres"))
    assert database_facts(superuser).superuser
    superuser.dispose()


def test_a_pool_that_commits_each_statement_by_itself_does_not_split_a_change(empty: Engine) -> None:
    pool = create_engine(empty.url, isolation_level="AUTOCOMMIT")
    with pytest.raises(SQLAlchemyError):
        PartnerRegister(pool).put(WHOLE, Partner(id="b", name="nul \x00 in a name"))
    pool.dispose()
    assert list(PartnerRegister(empty).directory()) == []
