"""What there is to look at: handoffs of every kind, as partners would have sent them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from played_house import PlayedHouse
from running_house import until
from whole_house import referral

from adapter.storage.lanes import LaneStore
from adapter.use_cases.deliver import park_lane

CRISIS, CLINIC, PROGRAM, STRANGER = "mobile-crisis", "outpatient-clinic", "iop-program", "pediatric-clinic"
SILENT, TELLER = "case-management", "maternity-hospital"

HOSTILE = '<script>document.title="broken"</script><img src="x" onerror="alert(1)">'
RIGHT_TO_LEFT = "ליאורה בדיקה"
LONG = "Maximiliana-Theodora Konstantinopoulou-Featherstonehaugh-Wolfeschlegelsteinhausenbergerdorff"

PEOPLE = (
    "Rowan",
    "Idris",
    "Noor",
    "Testerly",
    "Mockford",
    "Dummondson",
    "Samplewood",
    "Freshly",
    "Maximiliana",
    "alert",
)
"""Who is handed over here, by words of their names."""


@dataclass(frozen=True)
class Scene:
    """Ids of handoffs, all but `restricted` and `untold` from the crisis team to the clinic."""

    house: PlayedHouse
    overdue: str
    """Nobody has answered for days: escalated and flagged."""
    rejected: str
    completed: str
    no_show: str
    contact_failed: str
    """Accepted after the whole ladder; its first contact is overdue."""
    restricted: str
    """Of the intensive program, under 42 CFR Part 2."""
    fresh: str
    hostile: str
    right_to_left: str
    long: str
    untold: str
    """Of the maternity hospital to the case management, which does not answer."""

    @property
    def address(self) -> str:
        return self.house.address


def set_up(house: PlayedHouse) -> Scene:
    unanswered = [house.begin(CLINIC, CRISIS).id]
    for _ in range(5):  # enough for governance to show a score of
        begun = house.begin(CLINIC, CRISIS)
        assert house.caller(CLINIC).move(begun.task, "accepted").status == 200
        unanswered.append(house.begin("perinatal-clinic", CRISIS).id)
    of_crisis = "mobile-crisis-to-outpatient"
    scene = Scene(
        house,
        unanswered[0],
        house.play(f"{of_crisis}/rejected-and-rerouted"),
        house.play(f"{of_crisis}/accepted-and-completed"),
        house.play(f"{of_crisis}/person-does-not-come"),
        house.play(f"{of_crisis}/first-contact-failed"),
        house.play("referral/part-2-consent"),
        begin_for(house, {"given": ["Rowan"], "family": "Freshly"}),
        begin_for(house, {"text": HOSTILE}),
        begin_for(house, {"text": RIGHT_TO_LEFT}),
        begin_for(house, {"text": LONG}),
        left_untold(house),
    )
    # Days have passed in the scenarios; wait until the worker has climbed every ladder.
    reader = house.house.store.system_reader()
    until(lambda: all(handoff.flagged_for_review for id_ in unanswered if (handoff := reader.handoff(id_))))
    return scene


def begin_for(house: PlayedHouse, name: dict[str, Any]) -> str:
    """A handoff of the crisis team to the clinic for a person of that name."""
    bundle = referral(CRISIS, CLINIC)
    bundle["entry"][0]["resource"]["name"] = [name]
    sent = house.caller(CRISIS).post("", bundle)
    assert sent.status == 200, sent.tree
    return sent.located[2].removeprefix("Task/")


def left_untold(house: PlayedHouse) -> str:
    """Three handoffs that a recipient has not been told of: twice it is being tried, once it was given up."""
    house.partners[SILENT].become("down")
    lanes = LaneStore(house.house.store.engine)
    house.begin(SILENT, TELLER)
    given_up, tried = house.begin(SILENT, TELLER).id, house.begin(SILENT, TELLER).id
    for id_ in (given_up, tried):
        until(lambda id_=id_: lanes.head(f"{SILENT}:{id_}").attempts)
    assert park_lane(lanes, f"{SILENT}:{given_up}", house.house.clock.now())
    return tried
