"""HTML as a strict reader sees it: the standard library's parser, and what WCAG asks of structure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = {"meta", "link", "input", "br", "hr", "img"}
_FORBIDDEN = {"script", "iframe", "object", "embed", "style", "base"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    parent: Element | None
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, *names: str) -> list[Element]:
        found = []
        for child in self.children:
            found += [child] if child.name in names else []
            found += child.all(*names)
        return found

    @property
    def said(self) -> str:
        return " ".join(self.text.split())


class WebPage(HTMLParser):
    """Raises AssertionError for what is not well-formed."""

    def __init__(self, text: str):
        super().__init__()
        self.root = Element("document", {}, None)
        self._at = self.root
        self.feed(text)
        self.close()
        assert self._at is self.root, f"<{self._at.name}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(element)
        if tag not in _EMPTY:
            self._at = element

    def handle_endtag(self, tag: str) -> None:
        assert self._at.name == tag, f"</{tag}> closes <{self._at.name}>"
        assert self._at.parent is not None
        self._at = self._at.parent

    def handle_data(self, data: str) -> None:
        element: Element | None = self._at
        while element is not None:
            element.text += data
            element = element.parent

    def all(self, *names: str) -> list[Element]:
        return self.root.all(*names)

    @property
    def said(self) -> str:
        return self.root.said

    def table(self, heading: str) -> list[list[str]]:
        """The body rows of the table below the h2 that begins with `heading`; empty when there is none."""
        for section in self.all("section"):
            if section.all("h2")[0].said.startswith(heading):
                body = [row for part in section.all("tbody") for row in part.all("tr")]
                return [[cell.said for cell in row.children] for row in body]
        raise AssertionError(f"no section `{heading}`")

    def faults(self) -> list[str]:
        """What somebody who cannot see, or who uses no mouse, would stumble over; and what could run."""
        found = [f"<{e.name}>" for e in self.all(*_FORBIDDEN)]
        for element in self.root.all(*{e.name for e in self._everything()}):
            found += [f"{name} on <{element.name}>" for name in element.attributes if name.startswith("on")]
            found += ["style attribute"] if "style" in element.attributes else []
        html = self.all("html")
        found += [] if html and html[0].attributes.get("lang") == "en" else ["no language"]
        found += [] if len(self.all("h1")) == 1 else ["not one h1"]
        found += [] if len(self.all("main")) == 1 else ["not one main"]
        found += [] if self.all("title") and self.all("title")[0].said else ["no title"]
        levels = [int(e.name[1]) for e in self.all("h1", "h2", "h3", "h4")]
        found += ["a heading level is skipped" for a, b in itertools.pairwise(levels) if b > a + 1]
        ids = [e.attributes["id"] for e in self._everything() if "id" in e.attributes]
        found += [] if len(ids) == len(set(ids)) else ["an id twice"]
        for table in self.all("table"):
            found += [] if table.all("caption") else ["a table without caption"]
            found += ["a th without scope" for th in table.all("th") if "scope" not in th.attributes]
            widths = {len(row.children) for row in table.all("tr")}
            found += [] if len(widths) == 1 else [f"rows of {widths} cells"]
        labelled = {label.attributes.get("for") for label in self.all("label")}
        for control in self.all("input", "select", "textarea"):
            if control.attributes.get("type") != "hidden" and control.attributes.get("id") not in labelled:
                found.append("a control without label")
        for link in self.all("a"):
            found += [] if link.said and link.attributes.get("href") else ["a link that says or leads nothing"]
        for element in self._everything():
            for name in ("aria-labelledby",):
                if name in element.attributes and element.attributes[name] not in ids:
                    found.append(f"{name} names nothing")
        return found

    def _everything(self) -> list[Element]:
        found, waiting = [], [self.root]
        while waiting:
            element = waiting.pop()
            found.append(element)
            waiting += element.children
        return found
