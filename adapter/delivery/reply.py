"""What a partner's HTTP answer means for a notification.

Settled: 2xx, and 409 with issue code `duplicate`, by which an NHS BaRS receiver says that it has it already. Later: no
answer, 408, 425, 429, 5xx. Everything else says no to this content or to us. A status and issue codes are kept, never
text: a partner's diagnostics may hold patient data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from adapter.delivery.outbound import Reply, Unresolvable
from adapter.domain.errors import HandoffError
from adapter.use_cases.delivery_ports import Outcome, Result
from mappings.json_codec import decode

_LATER = frozenset({408, 425, 429})
_CODE = re.compile(r"^[a-z-]{1,40}$")


def outcome_of(reply: Reply, now: datetime) -> Outcome:
    """How the send ended, by its answer."""
    codes = _issue_codes(reply)
    detail = f"HTTP {reply.status}" + (f" {','.join(codes)}" if codes and reply.status >= 300 else "")
    if 200 <= reply.status < 300 or (reply.status == 409 and "duplicate" in codes):
        return Outcome(Result.DELIVERED, detail)
    retry_after = _retry_after(reply.headers, now)
    if reply.status >= 500 or reply.status in _LATER:
        return Outcome(Result.UNREACHABLE, detail, retry_after)
    return Outcome(Result.REFUSED, detail, retry_after)


def outcome_of_error(error: Exception) -> Outcome:
    """How the send ended, when there was no answer. Only the kind of error is kept: messages may quote addresses."""
    match error:
        case requests.exceptions.ConnectTimeout():
            return Outcome(Result.UNREACHABLE, "no connection in time")
        case requests.exceptions.Timeout():
            return Outcome(Result.UNREACHABLE, "no answer in time")
        case requests.exceptions.SSLError():
            return Outcome(Result.UNREACHABLE, "TLS failed")
        case Unresolvable():
            return Outcome(Result.UNREACHABLE, "name has no address")
        case HandoffError():
            return Outcome(Result.REFUSED, f"endpoint not allowed: {error.issues[0].text}")
        case requests.exceptions.RequestException() | OSError():
            return Outcome(Result.UNREACHABLE, "connection failed or broke off")
        case _:
            # A protocol error of a broken peer, or an error of ours: neither may lose the notification.
            return Outcome(Result.UNREACHABLE, f"failed: {type(error).__name__}")


def response_code_of(reply: Reply) -> str | None:
    """MessageHeader.response.code of a message Bundle that came back: `ok`, `transient-error`, `fatal-error`."""
    tree = _json(reply)
    for entry in tree.get("entry", ()) if isinstance(tree.get("entry"), list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "MessageHeader":
            response = resource.get("response")
            return response.get("code") if isinstance(response, dict) else None
    return None


def _issue_codes(reply: Reply) -> list[str]:
    tree = _json(reply) if reply.status >= 400 else {}
    issues = tree.get("issue")
    codes = [issue.get("code") for issue in issues if isinstance(issue, dict)] if isinstance(issues, list) else []
    return sorted({code for code in codes if isinstance(code, str) and _CODE.match(code)})[:3]


def _json(reply: Reply) -> dict[str, Any]:
    try:
        tree = decode(reply.body)
    except HandoffError:
        return {}
    return tree if isinstance(tree, dict) else {}


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Seconds or an HTTP date (https://www.rfc-editor.org/rfc/rfc9110#name-retry-after); None when absent or odd."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return timedelta(seconds=int(text))
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(0), (date if date.tzinfo else date.replace(tzinfo=UTC)) - now)
