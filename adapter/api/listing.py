"""Answers that are lists: a search, a history (https://hl7.org/fhir/R4/http.html#search, #history), page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from flask import Response, request

from adapter.api.authentication import Client
from adapter.api.face import Face
from adapter.api.http_request import check_accept, preference
from adapter.api.operation_outcome import FHIR_JSON
from adapter.use_cases.ports import SearchQuery, StoredResource
from adapter.use_cases.read import answered_by, asked_in, history, history_query, search_query
from mappings import searchset
from mappings.subset import Subset

Beside = Callable[[Client, SearchQuery], Sequence[StoredResource]]
"""What is made when it is asked for and so is in no index: it stands before what is found, on the first page."""


def search_in(face: Face, type_: str, parameters: list[tuple[str, str]], beside: Beside | None = None) -> Response:
    """A parameter that the type does not have is left out and told of, unless `Prefer: handling=strict`."""
    client = face.client()
    check_accept()
    client.scopes.require(type_, "search-type")
    query = search_query(type_, parameters, lenient=preference("handling") != "strict")
    subset = Subset.asked_in(query.parameters)
    first = beside(client, query) if beside and query.cursor is None else ()
    page = face.world.store.reader(client.tenant).search(replace(query, count=max(query.count - len(first), 0)))
    if type_ == "Task" and query.cursor is None and face.world.store.withholds_from(client.tenant):
        page = replace(page, suppressed=True)
    face.disclose(client, "search-type", [*page.matches, *page.included], asked_in(query))
    if first:
        total = None if page.total is None else page.total + len(first)
        page = replace(page, matches=[*first[: query.count], *page.matches], total=total)
    asked = answered_by(query, page)
    base = f"{face.base_url}/{type_}?"
    next_link = base + urlencode([*asked, ("_cursor", page.next_cursor)]) if page.next_cursor else None
    bundle = searchset.to_fhir(
        page, self_link=base + urlencode(asked), next_link=next_link, base_url=face.base_url, subset=subset
    )
    return Response(bundle, content_type=FHIR_JSON)


def history_of(face: Face, client: Client, type_: str, id_: str | None) -> Response:
    """Of one resource, or of all of a type that the client may see."""
    query = history_query(list(request.args.items(multi=True)))
    subset = Subset.asked_in(query.asked)
    page = history(face.world.store.reader(client.tenant), type_, id_, query)
    face.disclose(client, "history-type" if id_ is None else "history-instance", page.versions)
    link = f"{face.base_url}/{type_}{f'/{id_}' if id_ else ''}/_history"
    asked = [*query.asked, ("_cursor", page.next_cursor)] if page.next_cursor else None
    bundle = searchset.history(
        page.versions,
        self_link=f"{link}?{urlencode(query.asked)}" if query.asked else link,
        next_link=f"{link}?{urlencode(asked)}" if asked else None,
        base_url=face.base_url,
        total=page.total,
        subset=subset,
    )
    return Response(bundle, content_type=FHIR_JSON)
