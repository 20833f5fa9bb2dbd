"""History of a resource and of a type (https://hl7.org/fhir/R4/http.html#history)."""

from __future__ import annotations

import pytest
from whole_house import Caller, Tree, WholeHouse


def versions(page: Tree) -> list[str]:
    return [f"{e['fullUrl'].rpartition('/')[2]}@{e['response']['etag'][3:-1]}" for e in page.get("entry", ())]


def walked(caller: Caller, path: str) -> list[str]:
    seen: list[str] = []
    for _ in range(50):
        page = caller.get(path).tree
        assert page["type"] == "history"
        seen += versions(page)
        following = [each["url"] for each in page["link"] if each["relation"] == "next"]
        if not following:
            return seen
        path = following[0].partition("/fhir/")[2]
    raise AssertionError("pages without end")


def changed(caller: Caller, times: int) -> str:
    id_ = str(caller.post("Basic", {"resourceType": "Basic", "code": {"text": "0"}}).tree["id"])
    for number in range(1, times):
        caller.put(f"Basic/{id_}", {"resourceType": "Basic", "id": id_, "code": {"text": str(number)}})
    return id_


def test_a_history_is_paged_newest_first(sender: Caller) -> None:
    id_ = changed(sender, 5)
    assert walked(sender, f"Basic/{id_}/_history?_count=2") == [f"{id_}@{n}" for n in (5, 4, 3, 2, 1)]
    first = sender.get(f"Basic/{id_}/_history?_count=2").tree
    assert first["total"] == 5
    assert sender.get(f"Basic/{id_}/_history?_count=0").tree["total"] == 5


def test_the_history_of_a_type_holds_every_version_and_every_deletion(sender: Caller) -> None:
    one, other = changed(sender, 2), changed(sender, 1)
    assert sender.delete(f"Basic/{other}").status == 204
    assert walked(sender, "Basic/_history?_count=3")[:4] == [f"{other}@2", f"{other}@1", f"{one}@2", f"{one}@1"]
    newest = sender.get("Basic/_history?_count=1").tree["entry"][0]
    assert newest["request"] == {"method": "DELETE", "url": f"Basic/{other}"}
    assert "resource" not in newest


def test_since_leaves_out_what_is_older(sender: Caller) -> None:
    id_ = changed(sender, 3)
    entries = sender.get(f"Basic/{id_}/_history").tree["entry"]
    moment = entries[1]["response"]["lastModified"]
    for path in (f"Basic/{id_}/_history?_since={moment}", f"Basic/_history?_since={moment}"):
        assert versions(sender.get(path).tree)[:2] == [f"{id_}@3", f"{id_}@2"], path
        assert f"{id_}@1" not in versions(sender.get(path).tree)
    later = sender.get(f"Basic/{id_}/_history?_since=2999-01-01T00:00:00Z")
    assert (later.status, versions(later.tree)) == (200, [])


def test_a_history_shows_no_version_that_a_read_would_not(house: WholeHouse, sender: Caller, third: Caller) -> None:
    begun = house.begin()
    assert begun.id in {v.partition("@")[0] for v in versions(sender.get("Task/_history").tree)}
    assert begun.id not in {v.partition("@")[0] for v in versions(third.get("Task/_history").tree)}
    foreign, missing = third.get(f"{begun.task}/_history"), third.get("Task/nobody/_history")
    assert (foreign.status, foreign.tree) == (missing.status, missing.tree)
    cursor = [e["url"] for e in sender.get("Task/_history?_count=1").tree["link"] if e["relation"] == "next"]
    if cursor:
        followed = third.get(cursor[0].partition("/fhir/")[2])
        assert begun.id not in {v.partition("@")[0] for v in versions(followed.tree)}


@pytest.mark.parametrize("query", ["_count=x", "_since=yesterday", "_cursor=zzz", "status=requested", "_at=2026"])
def test_what_no_history_can_be_asked_is_refused(sender: Caller, query: str) -> None:
    for path in ("Task/_history", "Task/nobody/_history"):
        assert sender.get(f"{path}?{query}").status == 400


def test_a_type_history_needs_the_right_to_search(house: WholeHouse) -> None:
    assert house.caller("mobile-crisis", "system/Task.r").get("Task/_history").status == 403
    assert house.caller("mobile-crisis", "system/Task.s").get("Task/_history").status == 200
