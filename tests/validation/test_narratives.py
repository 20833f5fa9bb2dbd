"""A narrative reaches web pages of others: only what formats text passes."""

import pytest

from adapter.validation.narrative import fault_of

UNSAFE = {
    "script": "<div><script>alert(1)</script></div>",
    "script in capitals": "<div><SCRIPT>alert(1)</SCRIPT></div>",
    "script cut by a comment": "<div><scr<!-- -->ipt>alert(1)</scr<!-- -->ipt></div>",
    "comment that a browser ends early": "<div>x<!--><script>alert(1)</script>--></div>",
    "comment that a browser ends with a bang": "<div>x<!-- --!><script>alert(1)</script>--></div>",
    "CDATA": "<div><![CDATA[<script>]]></div>",
    "processing instruction": "<div><?x y?>x</div>",
    "document type": "<!DOCTYPE html><div>x</div>",
    "event handler": '<div><b onclick="x()">x</b></div>',
    "event handler after a slash": '<div><img/onerror="x()" src="x"/></div>',
    "event handler without space": '<div><img src="x"onerror="x()"/></div>',
    "attribute without quotes": "<div><b class=x>x</b></div>",
    "javascript link": '<div><a href="javascript:x()">x</a></div>',
    "javascript after white space": '<div><a href=" \tjava\nscript:x()">x</a></div>',
    "javascript in entities": '<div><a href="&#106;avascript&colon;x()">x</a></div>',
    "javascript in capitals": "<div><a href='JAVASCRIPT:x()'>x</a></div>",
    "javascript behind a control character": '<div><a href="&#1;javascript:x()">x</a></div>',
    "javascript image": '<div><img src="javascript:x()"/></div>',
    "vbscript": '<div><a href="vbscript:x()">x</a></div>',
    "data page": '<div><a href="data:text/html;base64,PHNjcmlwdD4=">x</a></div>',
    "SVG in data": '<div><img src="data:image/svg+xml;base64,PHN2Zz4="/></div>',
    "style that acts": '<div style="width: expression(x())">x</div>',
    "style with an escape": '<div style="background: \\75rl(x)">x</div>',
    "style element": "<div><style>x</style></div>",
    "iframe": '<div><iframe src="https://a.example"></iframe></div>',
    "object": '<div><object data="x"></object></div>',
    "form": '<div><form action="x"></form></div>',
    "input": "<div><input/></div>",
    "SVG": "<div><svg></svg></div>",
    "link": '<div><link rel="stylesheet" href="x"/></div>',
    "base": '<div><base href="x"/></div>',
    "meta": "<div><meta/></div>",
    "another namespace": "<div><h:b>x</h:b></div>",
    "no div": "<p>x</p>",
    "text only": "x",
    "text before": "x<div>x</div>",
    "text after": "<div>x</div>x",
    "two divs": "<div>x</div><div>x</div>",
    "not closed": "<div>x",
    "closed in the wrong order": "<div><b><i>x</b></i></div>",
    "closed twice": "<div>x</div></div>",
    "a lone bracket": "<div>1 < 2</div>",
    "bracket in an attribute": '<div title="<b>">x</div>',
}

SAFE = {
    "plain": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
    "table": '<div><table class="grid"><tr><td colspan="2">x</td></tr></table></div>',
    "links": '<div><a href="https://a.example/?a=1&amp;b=2">x</a><a href="#x">x</a><a href="Patient/1">x</a></div>',
    "telephone": '<div><a href="tel:+1555">x</a><a href="mailto:a@a.example">x</a></div>',
    "image": '<div><img src="#image" alt="x"/></div>',
    "image in data": '<div><img src="data:image/png;base64,iVBORw0="/></div>',
    "style": '<div style="color: red; padding: 1px">x</div>',
    "comment": "<div><!-- <b>not</b> shown -->x</div>",
    "entities": "<div>&nbsp;&#160;&lt;script&gt; x</div>",
    "white space around": "\n <div> x </div> \n",
    "void elements": "<div>x<br/>y<hr /></div>",
    "language": "<div lang='de' xml:lang='de'>x</div>",
}


@pytest.mark.parametrize("name", UNSAFE)
def test_what_could_act_or_is_not_xhtml_is_refused(name: str) -> None:
    fault = fault_of(UNSAFE[name])
    assert fault is not None
    assert fault[0] == "error"


@pytest.mark.parametrize("name", SAFE)
def test_what_only_formats_passes(name: str) -> None:
    assert fault_of(SAFE[name]) is None


@pytest.mark.parametrize(
    "attack", ["<div " + " " * 200_000, "<div" + ' a=""' * 50_000, "<!--" * 50_000, "<div>" * 50_000]
)
def test_a_hostile_narrative_costs_no_more_than_its_length(attack: str) -> None:
    assert fault_of(attack)
