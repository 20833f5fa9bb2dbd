"""Why a page cannot be shown, in words for whoever looks at it, and what to do next; one entry for each status."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Problem(NamedTuple):
    title: str
    says: str


NOT_THERE: Final = 404

PROBLEMS: Final[Mapping[int, Problem]] = MappingProxyType(
    {
        400: Problem("The address cannot be understood", "It asks for something that is not there to be asked for:"),
        401: Problem("Nobody is signed in", "A page asks for a good access token; none came."),
        403: Problem("Not permitted", "Whoever is signed in may not look at this page:"),
        # The same for what is there and what is not, so that nobody learns of others' handoffs by asking.
        NOT_THERE: Problem(
            "There is no such handoff for you",
            "The address may be wrong, the handoff may be another organisation's, you may have refused it, or the "
            "person's consent to show it may have ended. If you hold a person whom you cannot see here, you still do: "
            "call whoever handed them over.",
        ),
        429: Problem("Too many requests", "Wait a little and load the page again:"),
        503: Problem(
            "Nothing can be shown right now",
            "The adapter does not reach its database. What was handed over is not lost. Load the page again in a "
            "minute; what cannot wait, do by telephone.",
        ),
    }
)
OTHER: Final = Problem("This page cannot be shown", "The reason:")
