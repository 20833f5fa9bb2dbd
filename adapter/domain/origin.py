"""Where a request came from, as far as the audit trail keeps it: never more of a person than references."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Origin:
    """`interaction` is a code of http://hl7.org/fhir/restful-interaction, the name of an operation (`$evidence`), or
    `notify` for what is sent to a partner. `server` is our base URL, `address` the network address of the other side,
    `request_id` its X-Request-ID, `query` the search or operation that was asked for."""

    interaction: str
    server: str | None = None
    address: str | None = None
    request_id: str | None = None
    query: str | None = None

    def asking(self, interaction: str, query: str | None = None) -> Origin:
        """The same request, seen as one part of it: an entry of a batch, a search within a transaction."""
        return replace(self, interaction=interaction, query=query)


INTERNAL = Origin("internal")
"""What the adapter does of its own accord: its clock, its register."""
