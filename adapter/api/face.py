"""What every FHIR route shares: who asks, what they may, and the world that the use cases work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import request

from adapter.api.authentication import Authentication, Client
from adapter.api.http_request import request_key
from adapter.api.http_response import accompany
from adapter.domain.errors import Issue
from adapter.domain.origin import Origin
from adapter.use_cases.ports import StoredResource
from adapter.use_cases.world import World
from mappings.interaction import INTERACTION_CODES, Interaction

Tree = dict[str, Any]


class Searchable(Protocol):
    """A search parameter that is answered here; `kind` is a code of the FHIR value set search-param-type."""

    @property
    def code(self) -> str: ...
    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Face:
    """Made once by the roof. `decode` makes a tree of a body within limits, `refuse_invalid` checks its structure and
    the profiles that it claims, and returns the warnings."""

    world: World
    authentication: Authentication
    decode: Callable[[bytes], Tree]
    refuse_invalid: Callable[[Tree], list[Issue]]
    resource_types: frozenset[str]
    searchable: Callable[[str], Sequence[Searchable]]
    """Resource type (or `Resource`, for what every type has) → its search parameters."""
    max_bytes: int

    @property
    def base_url(self) -> str:
        return self.world.base_url

    def read_resource(self, raw: bytes) -> Tree:
        """Decode and check. Raises Malformed, TooLarge, NotSupported, Invalid or BusinessRule (a claimed profile)."""
        tree = self.decode(raw)
        self.refuse_invalid(tree)
        return tree

    def client(self) -> Client:
        return self.authentication(request.headers)

    def origin(self, interaction: str, query: str | None = None) -> Origin:
        """This request, for the audit trail."""
        return Origin(interaction, self.base_url, request.remote_addr, request_key(), query)

    def disclose(
        self, client: Client, interaction: str, resources: Sequence[StoredResource], query: str | None = None
    ) -> None:
        """Write down what this client is about to be shown. Raises Unavailable: then it must not be."""
        self.world.store.disclosed(client.tenant, self.origin(interaction, query), resources)
        accompany(resources)


def permit(client: Client, interaction: Interaction) -> None:
    """Raises NotAllowed when the client's scopes do not cover an interaction, wherever it stands."""
    if interaction.method in {"GET", "HEAD"}:
        code = "read" if interaction.id else "search-type"
    else:
        code = INTERACTION_CODES[interaction.method]
    client.scopes.require(interaction.type, code)
    if interaction.type == "Subscription" and interaction.method in {"POST", "PUT", "PATCH"}:
        # What it is told of are Tasks: who may not read them does not get them sent either.
        client.scopes.require("Task", "read")
