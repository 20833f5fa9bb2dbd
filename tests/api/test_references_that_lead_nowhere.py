"""A reference that could lead nowhere is refused, except in a message: its sender refers to what it does not send.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

from typing import Any

import pytest
from whole_house import Caller, WholeHouse, referral

OBSERVATION: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


@pytest.mark.parametrize(
    "reference", ["Patient/x y", "Patient/", "patient/x", "/Patient/x", "../Patient/x", "Patient?", "x"]
)
def test_a_reference_that_could_lead_nowhere_is_refused_where_it_stands(sender: Caller, reference: str) -> None:
    """Kept as it is, it would be a handoff that points at nobody."""
    refused = sender.post("Observation", {**OBSERVATION, "focus": [{"reference": reference}]})
    assert (refused.status, refused.expression) == (400, "Observation.focus[0].reference")


def test_a_reference_that_leads_nowhere_twice_is_told_twice_and_each_once(sender: Caller) -> None:
    nowhere = [{"reference": "Patient/nobody"}, {"reference": "Patient/nobody"}]
    refused = sender.post("Observation", {**OBSERVATION, "focus": nowhere})
    places = [issue["expression"] for issue in refused.issues]
    assert sorted(places) == [["Observation.focus[0].reference"], ["Observation.focus[1].reference"]]


def test_a_reference_to_another_server_is_kept(sender: Caller) -> None:
    elsewhere = {**OBSERVATION, "focus": [{"reference": "https://other.example/fhir/Patient/x"}]}
    assert sender.post("Observation", elsewhere).status == 201


def test_what_came_in_a_message_may_be_changed_although_it_points_nowhere(house: WholeHouse, sender: Caller) -> None:
    """Senders of messages refer to what they do not send; a change of something else is no time to ask for it."""
    nowhere = ["x", "urn:uuid:0197b5b6-7a1c-7cc1-a0c0-6b8f0f8e2f30"]
    header: dict[str, Any] = {"resourceType": "MessageHeader", "eventUri": "urn:e", "source": {"endpoint": "urn:s"}}
    observation = {**OBSERVATION, "focus": [{"reference": each} for each in nowhere]}
    sent = [{"resource": header}, *({"fullUrl": e["fullUrl"], "resource": e["resource"]} if "fullUrl" in e
            else {"resource": e["resource"]} for e in referral()["entry"]), {"resource": observation}]  # fmt: skip
    header["focus"] = [{"reference": sent[2]["fullUrl"]}]
    done = sender.post("$process-message", {"resourceType": "Bundle", "type": "message", "entry": sent})
    assert done.status == 200, done.tree
    (kept,) = sender.search("Observation?_sort=-_lastUpdated&_count=1")
    changed = sender.patch(kept, [{"op": "replace", "path": "/status", "value": "amended"}])
    assert changed.status == 200, changed.tree
    assert [f["reference"] for f in changed.tree["focus"]] == nowhere
