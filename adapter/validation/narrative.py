"""Is a narrative safe to show? txt-1 and txt-2 of https://hl7.org/fhir/R4/narrative.html, by list of what is allowed.

One pass over the tags, no XML parser: nothing here can be made to expand entities or to fetch anything.
"""

from __future__ import annotations

import html
import re

_ELEMENTS = frozenset(
    """
    a abbr acronym address area b bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em
    font h1 h2 h3 h4 h5 h6 hr i img ins kbd li map ol p pre q s samp small span strike strong sub sup table tbody td
    tfoot th thead tr tt u ul var
    """.split()  # noqa: SIM905 - a page of quotation marks is harder to read
)
_ATTRIBUTES = frozenset(
    """
    abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset cite class clear color
    cols colspan compact coords datetime dir face frame headers height href hreflang hspace id ismap lang longdesc
    name noshade nowrap rel rev rows rowspan rules scope shape size span src start style summary tabindex target
    title type usemap valign value vspace width xml:id xml:lang xml:space xmlns
    """.split()  # noqa: SIM905
)
_ADDRESSES = frozenset({"href", "src", "cite", "longdesc", "usemap"})
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "ftp", "urn", "cid"})
_TAG = re.compile(
    r"""(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)
        (?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)
        \s*(?P<empty>/?)>(?P<text>[^<]*)""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"<!--(?!-?>)(?:(?!--).)*-->", re.DOTALL)
"""Only what XML and HTML both end at the same place: to a browser `<!-->` is a whole comment."""
_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*):")
_IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]")
_ACTIVE_STYLE = re.compile(r"expression|javascript|vbscript|behaviou?r|-moz-binding|@import|\\")
_DATA_IMAGE = re.compile(r"^data:image/(png|gif|jpe?g|webp|bmp)[;,]")


def fault_of(div: str) -> tuple[str, str] | None:
    """(severity, what is wrong in words without its content), or None when the div is safe and says something.

    txt-2 (no text at all) is a warning: R4's own examples break it, and it harms nobody."""
    unsafe, says_something = _read(div)
    if unsafe:
        return "error", unsafe
    return None if says_something else ("warning", "expected some text or an image, got none (txt-2)")


def _read(div: str) -> tuple[str | None, bool]:
    """(why it is not safe XHTML or None, whether it says something)"""
    before, *parts = _COMMENT.sub("", div).split("<")
    if before.strip():
        return "expected a div element, got text before it", False
    open_elements: list[str] = []
    says_something = closed = False
    for part in parts:
        tag = _TAG.fullmatch(part)
        if tag is None:
            return "expected well-formed XHTML, got a tag that is not", False
        if closed:
            return "expected a single div element, got more after it", False
        if fault := _step(tag, open_elements):
            return fault, False
        closed = not open_elements
        if closed and tag["text"].strip():
            return "expected a single div element, got text outside it", False
        says_something = says_something or tag["name"] == "img" or bool(tag["text"].strip())
    if open_elements or not parts:
        return "expected a div element that is closed", False
    return None, says_something


def _step(tag: re.Match[str], open_elements: list[str]) -> str | None:
    """Opens or closes one element."""
    name = tag["name"]
    if name not in _ELEMENTS:
        return "expected only the formatting elements of txt-1, got another"
    if tag["end"]:
        if tag["attributes"] or tag["empty"] or not open_elements or open_elements.pop() != name:
            return "expected well-formed XHTML, got an end tag that closes nothing"
        return None
    if not open_elements and name != "div":
        return "expected a div element as the outermost"
    if not tag["empty"]:
        open_elements.append(name)
    return _attributes_fault(tag["attributes"]) if tag["attributes"] else None


def _attributes_fault(text: str) -> str | None:
    for name, quoted, apostrophed in _ATTRIBUTE.findall(text):
        if name not in _ATTRIBUTES:
            return "expected only the attributes of txt-1, got another"
        value = quoted or apostrophed
        if name in _ADDRESSES and not _is_harmless(value):
            return "expected links to web, mail or within the narrative, got another scheme (txt-1)"
        if name == "style" and _ACTIVE_STYLE.search(html.unescape(value).lower()):
            return "expected a style that only formats (txt-1)"
    return None


def _is_harmless(address: str) -> bool:
    """Read as a browser would: entities resolved, white space and control characters inside a scheme ignored."""
    plain = _IGNORED_BY_BROWSERS.sub("", html.unescape(address)).lower()
    scheme = _SCHEME.match(plain)
    return scheme is None or scheme[1] in _SCHEMES or bool(_DATA_IMAGE.match(plain))
