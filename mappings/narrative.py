"""A safe narrative: https://hl7.org/fhir/R4/narrative.html, from text that nobody here wrote.

Every value is escaped, and what XML cannot hold is left out; nothing that a partner sent is taken for markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

Tree = dict[str, Any]

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_DIV = '<div xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en">'


def escaped(text: str) -> str:
    return html.escape(_NOT_XML.sub("", text))


def paragraph(text: str) -> str:
    return f"<p>{escaped(text)}</p>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escaped(column)}</th>' for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def narrative(*blocks: str) -> Tree:
    """A Narrative of blocks that are made by the functions above."""
    return {"status": "generated", "div": f"{_DIV}{''.join(blocks)}</div>"}
