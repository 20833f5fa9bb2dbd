"""A message may name what its sender does not hold: such references stay as they are. They must lead nowhere.

The pediatric clinic sends two messages, one that points at the foreign resources and one that points at nothing;
whatever it then asks about its own two handoffs is answered alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from attempts import Request, get, send
from matrix import Answer, answer, ask
from scene import CARRIED, Scene
from specimens import SYSTEM, Tree
from tenants import NOBODYS, Owned
from whole_house import Caller, Got

from mappings.canonicals import FHIR_TASK_CODE_SYSTEM

CLINIC = "pediatric-clinic"
BAIT, TWIN = "zqbait000000", "zqtwin000000"


@pytest.fixture(scope="module")
def nobodys(scene: Scene) -> Owned:
    """The foreign set as nobody has it: the same types, other ids and values."""
    foreign = scene.between_others
    trees = {type_: {"id": foreign.as_nobodys(tree["id"])} for type_, tree in foreign.trees.items()}
    return Owned("nobody", NOBODYS, trees)


def _message(mark: str, aim: Owned) -> Tree:
    """A handoff of one's own whose resources and Task point at everything of `aim`."""
    header, task = str(uuid4()), str(uuid4())
    basics = [
        {
            "resourceType": "Basic",
            "identifier": [{"system": SYSTEM, "value": f"{mark}-{type_}"}],
            "code": {"text": mark},
            "subject": {"reference": f"{type_}/{aim.id(type_)}"},
        }
        for type_ in sorted(CARRIED)
    ]
    trees: list[tuple[str, Tree]] = [
        (header, {
            "resourceType": "MessageHeader",
            "eventCoding": {"system": "https://handoff.example/fhir/CodeSystem/message", "code": "handoff"},
            "source": {"endpoint": "urn:x"},
            "focus": [{"reference": f"urn:uuid:{task}"}],
        }),
        (task, {
            "resourceType": "Task", "status": "requested", "intent": "order",
            "code": {"coding": [{"system": FHIR_TASK_CODE_SYSTEM, "code": "fulfill"}]},
            "owner": {"reference": "Organization/case-management"},
            "focus": {"reference": f"ServiceRequest/{aim.id('ServiceRequest')}"},
            "for": {"reference": f"Patient/{aim.id('Patient')}"},
            "partOf": [{"reference": f"Task/{aim.id('Task')}"}],
            "basedOn": [{"reference": f"CarePlan/{aim.id('CarePlan')}"}],
        }),
        *((str(uuid4()), basic) for basic in basics),
    ]  # fmt: skip
    return {
        "resourceType": "Bundle", "type": "message", "timestamp": "2026-03-01T00:00:00Z",
        "identifier": {"system": SYSTEM, "value": mark},
        "entry": [{"fullUrl": f"urn:uuid:{id_}", "resource": tree} for id_, tree in trees],
    }  # fmt: skip


def _questions(mark: str, aim: Owned, task: str, basics: dict[str, str]) -> Iterator[Request]:
    """What can be asked of the sender's own handoff that would follow its references."""
    page = {"Accept": "text/html"}
    yield get(f"Task/{task}/$evidence")
    yield get(f"/handoffs/{task}")
    yield get(f"/handoffs/{task}", **page)
    yield get(f"/handoffs/{task}/evidence", **page)
    yield get(f"Task?_id={task}&_include=*&_include:iterate=*&_revinclude=Basic:subject")
    for parameter in ("subject", "patient", "focus", "part-of", "based-on"):
        yield get(f"Task?_id={task}&_include=Task:{parameter}&_include:iterate=ServiceRequest:subject")
    for type_ in sorted(CARRIED):
        own, id_ = f"identifier={SYSTEM}|{mark}-{type_}", aim.id(type_)
        yield get(f"Basic?{own}&_include=Basic:subject&_include=*")
        yield get(f"Basic?{own}&_include:iterate=Basic:subject&_revinclude=Provenance:target&_total=accurate")
        yield get(f"Basic?{own}&subject:{type_}._id={id_}")
        yield get(f"Basic?{own}&subject:{type_}.identifier={SYSTEM}|{aim.mark.text}")
        yield get(f"Basic?{own}&subject:{type_}._lastUpdated=ge2020&_summary=count")
        yield get(f"Basic?{own}&subject:{type_}._tag=active,{aim.mark.text}")
        yield get(f"{type_}?_has:Basic:subject:{own}&_total=accurate")
        yield get(f"{type_}?_id={id_}&_revinclude=Basic:subject")
        yield get(f"Basic?{own}&_sort=subject")
        yield get(f"Basic/{basics[type_]}")
        yield send("PATCH", f"Basic/{basics[type_]}", [{"op": "add", "path": "/language", "value": "en"}],
                   "application/json-patch+json", If_Match='W/"1"')  # fmt: skip


def _clinic(scene: Scene) -> Caller:
    """Nobody who takes part in the matrix: there, what it sends would be found beside what is foreign."""
    return scene.house.caller(CLINIC)


def bait(scene: Scene) -> str:
    """A handoff of the clinic that points at what is foreign; the id of its Task."""
    done = _clinic(scene).post("$process-message", _message(f"zqbait{uuid4().hex[:6]}", scene.between_others))
    return _task_in(done)


def _task_in(done: Got) -> str:
    assert done.status == 200, done.text
    return next(str(e["resource"]["id"]) for e in done.tree["entry"] if e["resource"]["resourceType"] == "Task")


def test_references_of_ones_own_lead_to_nothing_foreign(scene: Scene, nobodys: Owned) -> None:
    answered: list[list[Any]] = []
    for mark, aim in ((BAIT, scene.between_others), (TWIN, nobodys)):
        done = _clinic(scene).post("$process-message", _message(mark, aim))
        task = _task_in(done)
        numbers = ",".join(f"{SYSTEM}|{mark}-{type_}" for type_ in sorted(CARRIED))
        basics = _clinic(scene).get(f"Basic?identifier={numbers}").tree
        by_type = {
            each["resource"]["identifier"][0]["value"].removeprefix(f"{mark}-"): each["resource"]["id"]
            for each in basics["entry"]
        }
        asked = list(_questions(mark, aim, task, by_type))
        answered.append([(each.path, _told(answer(ask(_clinic(scene), each), aim), mark)) for each in asked])
    bait, twin = answered
    assert len(bait) > 200
    assert [one for one, other in zip(bait, twin, strict=True) if one[1] != other[1]] == []


def _told(answered: Answer, mark: str) -> Any:
    """Without the two marks, and whatever the order: that is by ids in some answers, and those are new."""
    status, headers, body = answered
    return status, headers, sorted(re.split(r"[{<]", body.replace(mark, "mark").replace(NOBODYS.text, "value")))
