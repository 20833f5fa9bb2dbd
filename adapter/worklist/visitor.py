"""Who looks at a page: a Bearer token as everywhere; in a demo also whoever chose a demo partner on the sign-in page.

The demo's cookie holds an access token that may read and search, nothing else. Only pages look at it, and pages change
nothing. Production has no sign-in page and looks at no cookie.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, redirect, request

from adapter.domain.errors import NotAllowed, NotAuthenticated
from adapter.worklist.html_pages import HEADERS, html_page

COOKIE: Final = "handoff-demo"
_PAGE: Final = re.compile(r"/(deliveries|governance|handoffs/[A-Za-z0-9\-.]{1,64}(/evidence)?)?")

Authenticate = Callable[[Mapping[str, str]], Any]
"""Headers → a client with `tenant` and `scopes`. Raises NotAuthenticated."""


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    """`partners`: (id, name) of those that may be chosen, asked when the page is shown; `token` makes one a token."""

    partners: Callable[[], Sequence[tuple[str, str]]]
    token: Callable[[str], str]
    seconds: int


class SignInFirst(NotAuthenticated):
    """Nobody is signed in, and there is a page to do so."""


@dataclass(frozen=True, slots=True)
class Visitors:
    authenticate: Authenticate
    sign_in: DemoSignIn | None = None

    def client(self) -> Any:
        """The client who asks for a page. Raises NotAuthenticated, SignInFirst where that would help."""
        if request.headers.get("Authorization") or self.sign_in is None:
            return self.authenticate(dict(request.headers))
        try:
            return self.authenticate({"Authorization": f"Bearer {request.cookies.get(COOKIE, '')}"})
        except NotAuthenticated:
            raise SignInFirst("expected somebody who is signed in, got nobody") from None

    @property
    def may_sign_out(self) -> bool:
        return self.sign_in is not None and COOKIE in request.cookies


def ask_to_sign_in() -> Response:
    return _sent_to(f"/demo/sign-in?next={_page_of_ours(request.path)}")


def sign_in_page(sign_in: DemoSignIn) -> Response:
    wanted = request.args.get("next", "/")
    return html_page("sign_in.html", partners=sign_in.partners(), next=_page_of_ours(wanted), may_sign_out=False)


def signed_in(sign_in: DemoSignIn) -> Response:
    """Raises NotAllowed for anybody who is no demo partner."""
    partner = request.form.get("partner", "")
    if partner not in {id_ for id_, _ in sign_in.partners()}:
        raise NotAllowed("expected one of the demo partners, got another")
    response = _sent_to(_page_of_ours(request.form.get("next", "/")))
    response.set_cookie(
        COOKIE, sign_in.token(partner), max_age=sign_in.seconds, httponly=True, samesite="Strict", path="/"
    )
    return response


def signed_out() -> Response:
    response = _sent_to("/demo/sign-in")
    response.delete_cookie(COOKIE, httponly=True, samesite="Strict", path="/")
    return response


def _page_of_ours(path: str) -> str:
    """Never an address that somebody else put into a link."""
    return path if _PAGE.fullmatch(path) else "/"


def _sent_to(address: str) -> Response:
    response: Response = redirect(address, 303, Response)  # type: ignore[assignment]
    response.headers.update(HEADERS)
    return response
