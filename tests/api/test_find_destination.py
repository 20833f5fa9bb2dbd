"""Who can take this person, with this coverage, this soon: every coverage has a destination, nobody gets nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from whole_house import Caller, WholeHouse

from adapter.demo_partners import demo_partners
from adapter.domain.facts import COVERAGES
from adapter.domain.partner import Directory, Partner
from adapter.pathways import load_pathways
from adapter.testkit.circumstances import CIRCUMSTANCES
from adapter.use_cases.find_destination import Wanted, find_destinations
from adapter.use_cases.ports import ResourceKey, StoredResource
from mappings.canonicals import EXT_OPENS

EVERY_DOOR = ("insured", "medicaid", "uninsured", "sliding-scale", "unknown")


@pytest.fixture(scope="module")
def office(house: WholeHouse) -> Caller:
    return house.caller("ob-clinic")


def asked(office: Caller, query: str = "") -> list[dict[str, Any]]:
    """The entries of the answer."""
    found = office.get(f"HealthcareService/$find-destination{query}")
    assert found.status == 200, found.tree
    assert found.tree["type"] == "searchset"
    entries: list[dict[str, Any]] = found.tree["entry"]
    assert found.tree["total"] == sum(entry["search"]["mode"] == "match" for entry in entries)
    return entries


def services(entries: list[dict[str, Any]]) -> list[str]:
    return [e["resource"]["id"] for e in entries if e["search"]["mode"] == "match"]


@pytest.mark.parametrize("coverage", EVERY_DOOR)
def test_a_mother_of_every_coverage_has_somewhere_to_go(office: Caller, coverage: str) -> None:
    found = services(asked(office, f"?coverage={coverage}&within=P14D"))
    assert [id for id in found if id.startswith("perinatal-clinic.")]


def test_every_coverage_that_a_request_may_name_can_be_asked_for() -> None:
    assert set(EVERY_DOOR) >= COVERAGES


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?coverage=insured&type=perinatal", "perinatal-clinic.intake"),
        ("?coverage=medicaid&type=community%20mental%20health%20centre", "outpatient-clinic.therapy"),
        ("?coverage=uninsured&type=federally%20qualified&within=P14D", "perinatal-clinic.open-door"),
        ("?coverage=sliding-scale&type=open-door&within=P14D", "perinatal-clinic.open-door"),
        ("?coverage=uninsured&type=case%20management&within=P14D", "case-management.housing"),
    ],
)
def test_the_kinds_of_place_that_the_sources_name_are_found_by_their_type(
    office: Caller, query: str, expected: str
) -> None:
    assert expected in services(asked(office, query))


def test_the_soonest_comes_first_and_says_when_it_opens(office: Caller, house: WholeHouse) -> None:
    entries = [e for e in asked(office, "?within=P14D") if e["search"]["mode"] == "match"]
    opens = [datetime.fromisoformat(e["search"]["extension"][0]["valueInstant"]) for e in entries]
    assert {e["search"]["extension"][0]["url"] for e in entries} == {EXT_OPENS}
    assert opens == sorted(opens)
    now = house.house.clock.now()
    assert all(now - timedelta(minutes=1) <= moment <= now + timedelta(days=14) for moment in opens)


def test_the_organisations_come_along_once_with_their_telephone_numbers(office: Caller) -> None:
    entries = asked(office, "?within=P14D")
    organizations = [e["resource"] for e in entries if e["search"]["mode"] == "include"]
    ids = [organization["id"] for organization in organizations]
    assert len(set(ids)) == len(ids)
    assert {e["resource"]["providedBy"]["reference"] for e in entries if e["search"]["mode"] == "match"} == {
        f"Organization/{id}" for id in ids
    }
    assert all(organization["telecom"] for organization in organizations)


def test_nobody_is_sent_to_their_own_door(office: Caller) -> None:
    assert not [id for id in services(asked(office, "?within=P14D")) if id.startswith("ob-clinic.")]


def test_when_nobody_can_the_answer_says_what_to_give_the_person(office: Caller) -> None:
    (entry,) = asked(office, "?coverage=uninsured&type=acupuncture&within=P2D")
    assert entry["search"] == {"mode": "outcome"}
    (issue,) = entry["resource"]["issue"]
    assert (issue["severity"], issue["code"]) == ("information", "not-found")
    for help in ("immediate-resource", "988", "1-800-944-4773"):
        assert help in issue["details"]["text"]


@pytest.mark.parametrize(
    "query",
    [
        "?coverage=gold",
        "?coverages=insured",
        "?within=soon",
        "?within=P",
        "?within=PT",
        "?within=P200D",
        "?within=-P1D",
    ],
)
def test_a_misspelt_question_is_refused_and_not_passed_over(office: Caller, query: str) -> None:
    refused = office.get(f"HealthcareService/$find-destination{query}")
    assert refused.status == 400
    assert refused.text


def test_it_takes_a_token_and_the_right_to_search(house: WholeHouse) -> None:
    path = "HealthcareService/$find-destination"
    assert house.nobody.get(path).status == 401
    assert house.caller("ob-clinic", "system/Task.rs").get(path).status == 403


def test_the_capability_statement_names_the_operation(office: Caller) -> None:
    (rest,) = office.get("metadata").tree["rest"]
    (service,) = [r for r in rest["resource"] if r["type"] == "HealthcareService"]
    assert "find-destination" in {operation["name"] for operation in service["operation"]}


# Opening hours, with a clock that stands still.


class _Fixed:
    """The world as far as the question needs it."""

    def __init__(self, now: datetime, *partners: Partner, holidays: frozenset[str] = frozenset()):
        self._now, self._partners, self._holidays = now, partners, holidays

    register = property(lambda self: self)
    clock = property(lambda self: self)
    store = property(lambda self: self)

    def directory(self) -> Directory:
        return Directory(self._partners)

    def now(self) -> datetime:
        return self._now

    def reader(self, tenant: str) -> _Fixed:
        return self

    def read_many(self, keys: list[ResourceKey]) -> dict[ResourceKey, StoredResource]:
        return {key: StoredResource(key, 1, "x", self._now, b"{}") for key in keys}

    def working_time(self, partner: Partner) -> Any:
        from adapter.domain.deadlines import WorkingTime

        return WorkingTime(
            partner.time_zone, partner.business_days, partner.business_hours,
            lambda day: day.isoformat() in self._holidays,
        )  # fmt: skip


def soonest(now: datetime, service: dict[str, Any], zone: str = "America/New_York", **rest: Any) -> datetime | None:
    partner = Partner(id="p", name="P", time_zone=zone, services=({"id": "s", "name": "Service", **service},))
    found = find_destinations(_Fixed(now, partner, **rest), "asker", Wanted(within=timedelta(days=5)))  # type: ignore[arg-type]
    return found[0].opens if found else None


WEEK = ("mon", "tue", "wed", "thu", "fri")
NINE_TO_FIVE = {"hours": [{"days": list(WEEK), "from": "09:00", "to": "17:00"}]}


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (datetime(2026, 3, 4, 15, 0, tzinfo=UTC), datetime(2026, 3, 4, 15, 0, tzinfo=UTC)),  # open now
        (datetime(2026, 3, 4, 13, 0, tzinfo=UTC), datetime(2026, 3, 4, 14, 0, tzinfo=UTC)),  # opens in an hour
        (datetime(2026, 3, 4, 22, 0, tzinfo=UTC), datetime(2026, 3, 5, 14, 0, tzinfo=UTC)),  # closed just now
        # Friday evening; clocks go forward on Sunday: Monday at nine is an hour earlier in UTC.
        (datetime(2026, 3, 6, 23, 0, tzinfo=UTC), datetime(2026, 3, 9, 13, 0, tzinfo=UTC)),
    ],
)
def test_a_service_opens_by_the_clock_on_its_own_wall(now: datetime, opens: datetime) -> None:
    assert soonest(now, NINE_TO_FIVE) == opens


def test_on_a_holiday_nobody_opens() -> None:
    eve = datetime(2026, 12, 24, 23, 0, tzinfo=UTC)
    assert soonest(eve, NINE_TO_FIVE, holidays=frozenset({"2026-12-25"})) == datetime(2026, 12, 28, 14, 0, tzinfo=UTC)


def test_a_service_without_hours_opens_with_its_organisation_and_a_full_one_not_at_all() -> None:
    now = datetime(2026, 3, 4, 13, 0, tzinfo=UTC)
    assert soonest(now, {}) == datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
    assert soonest(now, {"capacity": 0}) is None
    assert soonest(now, {"accepting": False}) is None


@pytest.mark.parametrize("pathway", load_pathways())
def test_the_directory_has_a_destination_for_each_coverage_of_each_pathway(house: WholeHouse, pathway: str) -> None:
    """Pre-established: the recipient of the demo's handoffs takes people of every coverage."""
    at = CIRCUMSTANCES[pathway]
    (owner,) = [partner for partner in demo_partners() if partner.id == at.owner]
    taken = {code for service in owner.services for code in service.get("accepted_coverage", ())}
    assert taken >= {"insured", "medicaid", "uninsured"}
