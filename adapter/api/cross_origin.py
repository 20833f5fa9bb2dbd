"""Pages of other origins may call this server from a browser, if the operator names their origins; else none may.

https://fetch.spec.whatwg.org/#http-cors-protocol. Never with the browser's own credentials: who asks is known by the
access token alone, and a demo's sign-in must not serve a page of somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from flask import Response, request

_MAY_SEND: Final = (
    "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, Prefer, "
    "X-Correlation-ID, X-Request-ID"
)
_MAY_READ: Final = (
    "Content-Location, ETag, Last-Modified, Location, Redisclosure-Notice, Retry-After, WWW-Authenticate, "
    "X-Correlation-ID, X-Request-ID"
)
_SECONDS: Final = "600"
"""For which a browser keeps the answer to a preflight."""


def for_origins(origins: Collection[str]) -> Callable[[Response], Response]:
    """What a response gets when the page that asks is of one of `origins`."""

    def answer(response: Response) -> Response:
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin not in origins:
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _MAY_READ
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
            response.headers["Access-Control-Allow-Headers"] = _MAY_SEND
            response.headers["Access-Control-Max-Age"] = _SECONDS
        return response

    return answer
