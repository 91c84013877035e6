"""What an answer may put into a page: a model says anything, also what somebody told it to say."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builds.trial.markdown import LONGEST, render

_ATTRIBUTES = {"href", "target", "rel", "class", "start", "tabindex"}
_ELEMENTS = {
    *("a", "blockquote", "br", "code", "div", "em", "h3", "hr", "li", "ol", "p", "pre", "s", "span"),
    *("strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}


class _Page(HTMLParser):
    """The elements, attributes and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside_link = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "a":
            self.inside_link += 1
            assert self.inside_link == 1

    def handle_endtag(self, tag: str) -> None:
        self.inside_link -= tag == "a"

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == "a"]


def test_markdown_becomes_elements() -> None:
    html = render(
        "# Tides\n\nThey **turn** ~~once~~ *twice*:\n\n1. high\n2. low\n\n> wait\n\n```py\nif 1 < 2:\n```\n\n"
        "|a|b|\n|-|-:|\n|`x`|2|\n\nsame\nparagraph"
    )
    for piece in (
        '<h3 class="level-1">Tides</h3>',
        "<strong>turn</strong> <s>once</s> <em>twice</em>",
        "<li>high</li>",
        "<blockquote>",
        "<code>if 1 &lt; 2:\n</code>",
        '<td class="right">2</td>',
        "same<br>\nparagraph",
    ):
        assert piece in html


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://track.example/pixel.png?who=alice)",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x) [y](file:///etc/passwd) [z](blob:https://x/y)",
        "[r]: javascript:alert(1)\n\n[r]",
        "<javascript:alert(1)>",
        "[delete](/agents/1/delete/) [x](//evil.example) [y](?next=/) [z](#top)",
        "<a href='https://x.example' style='position:fixed'>x</a>",
        '[x](https://x.example "a\\" onmouseover=\\"alert(1)")',
        '```"><script>\nx\n```',
        "<!-- --><style>*{display:none}</style>",
    ],
)
def test_nothing_dangerous_passes(source: str) -> None:
    page = _Page(render(source))
    _assert_safe(page)
    assert all(urlsplit(str(link["href"])).hostname for link in page.links)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("[the bank](https://evil.example/login)", "the bank (evil.example)"),
        ("[https://bank.example](https://evil.example)", "https://bank.example (evil.example)"),
        ("https://bank.example@evil.example/", "https://bank.example@evil.example/ (evil.example)"),
        ("https://good.example/a?b", "https://good.example/a?b"),
        ("<https://good.example/a>", "https://good.example/a"),
        ("[mail](mailto:mallory@evil.example)", "mail (mallory@evil.example)"),
        ("[bob@bank.example](mailto:mallory@evil.example)", "bob@bank.example (mallory@evil.example)"),
        ("[port](https://x.example:8443/)", "port (x.example:8443)"),
        ("[apple](https://\u0430\u0440\u0440\u04cf\u0435.com/)", "apple (xn--80ak6aa92e.com)"),
        (
            "https://\u0430\u0440\u0440\u04cf\u0435.com/",
            "https://\u0430\u0440\u0440\u04cf\u0435.com/ (xn--80ak6aa92e.com)",
        ),
        ("[](https://x.example)", "x.example"),
        ("![a cat](https://img.example/cat.png)", "a cat (image, img.example)"),
        ("[![a cat](https://img.example/cat.png)](https://x.example)", "a cat (x.example)"),
        ("![](https://img.example/cat.png)", "image (image, img.example)"),
    ],
)
def test_a_link_says_where_it_leads(source: str, shown: str) -> None:
    page = _Page(render(source))
    assert page.text.strip() == shown
    assert [set(str(link["rel"]).split()) for link in page.links] == [{"noopener", "noreferrer", "nofollow"}]


def test_what_a_terminal_or_the_eye_would_obey_is_seen() -> None:
    assert "␛[31mred␇" in render("\x1b[31mred\x07")
    shown = render("user\u202egpj.exe \u2066x\u2069 `a\u202eb`")
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert "مرحبا" in render("مرحبا \u200f")


_NASTY = [
    "[",
    "![",
    "](",
    ">",
    "-",
    "`",
    "<",
    "~~",
    "_",
    "\\",
    "&",
    "|",
    "[a](b",
    "http://",
    "1.",
    "***",
    "<a",
    "*_`[",
]
_NASTY += ["> ", "- ", "*a **b", "\t", "a\n", "# a\n", "[a]: <", "\u202e"]


@pytest.mark.parametrize("piece", _NASTY)
def test_a_megabyte_of_anything_takes_bounded_time(piece: str) -> None:
    for length in (LONGEST, 1_000_000):
        started = time.process_time()
        html = render((piece * length)[:length])
        assert time.process_time() - started < 8
        assert len(html) < 40 * LONGEST or length > LONGEST


def test_very_many_urls_that_are_none_take_no_time_of_their_own() -> None:
    started = time.process_time()
    html = render(("<http://" * LONGEST)[:LONGEST])
    assert time.process_time() - started < 1
    assert "<a" not in html
    assert '<a href="http://a.example/b"' in render("x" * 500 + " http://a.example/b " + "y" * 500)


def test_a_very_long_answer_is_plain_text() -> None:
    page = _Page(render("**a** <b>\n" * LONGEST))
    assert [tag for tag, _ in page.elements] == ["pre"]
    assert page.text.startswith("**a** <b>\n")


_WORDS = [
    ")",
    "]",
    "<script>",
    "javascript:",
    "https://e.example/",
    "&#x6a;",
    "'",
    '"',
    "|-|-|",
    "]:",
    "\u00e9",
]
_LINES = [
    "\n",
    "\n\n",
    " ",
    "    ",
    "```\n",
    "![i](https://i.example)",
    "[x](https://e.example)",
    "\0",
    "\x1b",
]
_PIECES = st.sampled_from([*_NASTY, *_WORDS, *_LINES])


@settings(max_examples=250, deadline=None)
@given(st.lists(_PIECES | st.text(max_size=6), max_size=40).map("".join))
@example("[![](https://a.example)](https://b.example)![](https://c.example)")
def test_any_text_becomes_safe_elements(source: str) -> None:
    page = _Page(render(source))
    _assert_safe(page)


def _assert_safe(page: _Page) -> None:
    for tag, attributes in page.elements:
        assert tag in _ELEMENTS
        assert set(attributes) <= _ATTRIBUTES
    for link in page.links:
        # The sanitiser leaves out a URL that no browser would open.
        assert urlsplit(str(link.get("href", "https:"))).scheme in ("http", "https", "mailto")
        assert set(str(link["rel"]).split()) == {"noopener", "noreferrer", "nofollow"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[Read](https://evil.example/?q=1)", "Read (evil.example)"),
        ("[](https://evil.example/)", "evil.example"),
        ("https://evil.example/?q=1", "https://evil.example/?q=1"),
        ("<https://evil.example/>", "https://evil.example/"),
        ("![A chart](https://evil.example/p.png)", "A chart (image, evil.example)"),
        ("[Write](mailto:a@evil.example)", "Write (a@evil.example)"),
        ("[See](https://good.example.evil.example/)", "See (good.example.evil.example)"),
        ("[See](https://good.example@evil.example/)", "See (evil.example)"),
        ("[**so**][1]\n\n[1]: https://evil.example/", "so (evil.example)"),
    ],
)
def test_links_to_other_hosts_than_those_allowed_are_text(text: str, shown: str) -> None:
    page = _Page(render(text, frozenset({"good.example"})))
    assert page.links == []
    assert " ".join(page.text.split()) == shown


def test_links_to_allowed_hosts_stay() -> None:
    text = "[a](https://Good.example/x) [b](https://evil.example/) ![c](https://good.example/c.png)"
    page = _Page(render(text, frozenset({"good.example"})))
    assert [link["href"] for link in page.links] == ["https://Good.example/x", "https://good.example/c.png"]
