"""What a search does with a parameter that it does not know (https://hl7.org/fhir/R4/search.html#errors)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from whole_house import Caller, Tree, WholeHouse, bundle, entry, transaction


def link(page: Tree, relation: str) -> dict[str, str]:
    (url,) = (each["url"] for each in page["link"] if each["relation"] == relation)
    return dict(parse_qsl(urlsplit(url).query))


def test_a_lenient_search_says_what_it_left_out(house: WholeHouse, sender: Caller) -> None:
    begun = house.begin()
    for headers in ({}, {"Prefer": "handling=lenient"}):
        page = sender.send("GET", f"Task?_id={begun.id}&nonsense=1&_text=x", headers=headers).tree
        assert link(page, "self") == {"_id": begun.id, "_count": "50"}
        match, told = page["entry"]
        assert (match["search"]["mode"], told["search"]["mode"]) == ("match", "outcome")
        issues = told["resource"]["issue"]
        assert [(i["severity"], i["code"], i["expression"]) for i in issues] == [
            ("warning", "not-supported", ["http.nonsense"]),
            ("warning", "not-supported", ["http._text"]),
        ]
        assert page["total"] == 1


def test_pages_of_a_lenient_search_leave_it_out_too(sender: Caller) -> None:
    number = uuid4().hex
    sender.post("", transaction(*[{"resourceType": "Patient", "identifier": [{"value": number}]}] * 2))
    page = sender.get(f"Patient?identifier={number}&nonsense=1&_count=1").tree
    assert "nonsense" not in link(page, "next")
    assert link(page, "next")["identifier"] == number


def test_a_strict_search_refuses(sender: Caller) -> None:
    got = sender.send("GET", "Task?status=requested&nonsense=1", headers={"Prefer": "handling=strict"})
    assert (got.status, got.code, got.expression) == (400, "not-supported", "Task.nonsense")
    posted = sender.send("POST", "Task/_search?nonsense=1", raw=b"", headers={
        "Prefer": "return=minimal; handling=strict", "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert posted.status == 400


@pytest.mark.parametrize(
    "query",
    ["status:nonsense=x", "patient.nonsense=x", "_has:Task:nonsense:status=x", "_sort=nonsense", "_include=Task:x",
     "authored-on=nonsense", "status="],
)  # fmt: skip
def test_what_is_half_understood_is_refused_also_when_lenient(sender: Caller, query: str) -> None:
    assert sender.get(f"Task?{query}").status == 400


def test_nothing_is_left_out_of_the_criteria_of_a_write(sender: Caller) -> None:
    number = uuid4().hex
    tree = {"resourceType": "Patient", "identifier": [{"value": number}]}
    id_ = sender.post("Patient", tree).tree["id"]
    criteria = f"identifier={number}&nonsense=1"
    for got in (
        sender.delete(f"Patient?{criteria}"),
        sender.put(f"Patient?{criteria}", {**tree, "active": True}),
        sender.patch(f"Patient?{criteria}", [{"op": "add", "path": "/active", "value": True}]),
        sender.post("Patient", tree, If_None_Exist=criteria),
        sender.post("", bundle(entry("DELETE", f"Patient?{criteria}"))),
    ):
        assert (got.status, got.code) == (400, "not-supported"), got.tree
    assert sender.get(f"Patient/{id_}").etag == 'W/"1"'


def test_a_get_in_a_batch_is_lenient_too(house: WholeHouse, sender: Caller) -> None:
    begun = house.begin()
    got = sender.post("", bundle(entry("GET", f"Task?_id={begun.id}&nonsense=1"), type="batch"))
    page = got.tree["entry"][0]["resource"]
    assert [e["search"]["mode"] for e in page["entry"]] == ["match", "outcome"]
    assert "nonsense" not in page["link"][0]["url"]
