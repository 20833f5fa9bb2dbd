"""Searches that read bodies: what was taken once must not break a later search of anybody."""

from __future__ import annotations

import pytest
from whole_house import Caller

BODIES = (
    rb'{"resourceType": "Basic", "code": {"text": "a\u0000b"}}',
    rb'{"resourceType": "Basic", "code": {"text": "\ud800"}}',
    rb'{"resourceType": "Basic", "code": {"text": "\ud83d\ude00 \\u0000"}}',
    b'{"resourceType": "Basic", "code": {"text": "x"}, "extension": [{"url": "urn:x", "valueDecimal": 1E400}]}',
    b'{"resourceType": "Basic", "code": {"text": "x"}, "extension": [{"url": "urn:x", "valueDecimal": 1e-4000}]}',
    b'{"resourceType": "Basic", "code": {"text": "x"}, "extension": [{"url": "urn:x", "valueDecimal": 1E200000}]}',
    b'{"resourceType": "Basic", "code": {"text": "x"}, "extension": [{"url": "urn:x", "valueDecimal": 1e-200000}]}',
)


@pytest.mark.parametrize("raw", BODIES)
def test_it_is_refused_or_searched(sender: Caller, raw: bytes) -> None:
    sent = sender.send("POST", "Basic", raw=raw)
    assert sent.status in {201, 400}, sent.tree
    for query in ("code:missing=true", "code:text=x", "_sort=code", "_sort=-author&code:text=a"):
        got = sender.get(f"Basic?{query}")
        assert got.status == 200, (query, got.tree)
    for summary in ("_summary=true", "_elements=code", "_pretty=true"):
        assert sender.get(f"Basic?{summary}").status == 200
