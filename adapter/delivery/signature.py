"""Signing what is sent, so that a receiver can tell our notifications from anybody's and an old one from a new one.

`Handoff-Signature: t=<unix seconds>,v1=<hex>`; the signature is HMAC-SHA-256 of `<t>.<body>` under the channel's
secret. A receiver refuses a `t` more than 300 seconds off and compares in constant time: `verify` does both.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

HEADER = "Handoff-Signature"
TOLERANCE_SECONDS = 300


def sign(secret: str, body: bytes, at: datetime) -> str:
    """The header's value for `body` sent `at`."""
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={_digest(secret, stamp, body)}"


def verify(secret: str, body: bytes, header: str, now: datetime) -> bool:
    """Whether `header` was made over `body` with `secret`, within the tolerance around `now`."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    stamp = parts.get("t", "")
    if not stamp.isascii() or not stamp.isdigit() or abs(now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        return False
    return hmac.compare_digest(_digest(secret, stamp, body), parts.get("v1", ""))


def _digest(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
