"""Is a narrative safe to show? txt-1 and txt-2 of https://hl7.org/fhir/R4/narrative.html, by list of what is allowed.

One pass over the tags, no XML parser: nothing here can be made to expand entities or to fetch anything. A verdict on a
tag is remembered, as narratives repeat the same few; tags hold no text about a person.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

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
_TAGS = re.compile(r"""<((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""")
_TAG = re.compile(
    r"""(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)
        (?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)
        \s*(?P<empty>/?)""",
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
    if "<!--" in div:
        div = _COMMENT.sub("", div)
    before, *pieces = _TAGS.split(div)
    if before.strip():
        return "expected a div element, got text before it", False
    open_elements: list[str] = []
    says_something = False
    for position in range(0, len(pieces), 2):
        if position and not open_elements:
            return "expected a single div element, got more after it", False
        name, opens, closes, fault = _verdict(pieces[position])
        if fault:
            return fault, False
        if opens:
            if not open_elements and name != "div":
                return "expected a div element as the outermost", False
            open_elements.append(name)
        if closes and (not open_elements or open_elements.pop() != name):
            return "expected well-formed XHTML, got an end tag that closes nothing", False
        text = pieces[position + 1]
        if "<" in text:
            return "expected well-formed XHTML, got a tag that is not", False
        if text and not text.isspace():
            says_something = True
            if not open_elements:
                return "expected a single div element, got text outside it", False
        elif name == "img":
            says_something = True
    if open_elements or not pieces:
        return "expected a div element that is closed", False
    return None, says_something


@lru_cache(maxsize=4096)
def _verdict(text: str) -> tuple[str, bool, bool, str | None]:
    """(name, whether it opens, whether it closes, fault or None) of what stands between `<` and `>`."""
    tag = _TAG.fullmatch(text)
    if tag is None or (tag["end"] and (tag["attributes"] or tag["empty"])):
        return "", False, False, "expected well-formed XHTML, got a tag that is not"
    if tag["name"] not in _ELEMENTS:
        return "", False, False, "expected only the formatting elements of txt-1, got another"
    fault = _attributes_fault(tag["attributes"]) if tag["attributes"] else None
    return tag["name"], not tag["end"], bool(tag["end"] or tag["empty"]), fault


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
