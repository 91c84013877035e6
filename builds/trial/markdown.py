"""Render an agent's answer, which nobody vouches for: Markdown without HTML, images or hidden targets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, linkify
from markdown_it.token import Token

# Rendering takes time in proportion to the length; a longer answer is shown as plain text.
LONGEST = 32_000
_SCHEMES = {"http", "https", "mailto"}
# The name of `hosts` in the parser's environment.
_HOSTS = "hosts"
# A host as it is after normalisation: punycode, or an address.
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")
_LONGEST_SCHEME = 32
_CELLS = {"left", "center", "right"}
_BLOCKS = {"p", "br", "hr", "h3", "ul", "ol", "li", "blockquote", "pre", "div"}
_TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
_SPANS = {"a", "code", "em", "strong", "s", "span"}
# What a terminal obeys becomes a picture of itself; what reorders text, a replacement character.
_REORDERING = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r"},
    0x7F: "\u2421",
    **dict.fromkeys((*range(0x80, 0xA0), *_REORDERING), "\ufffd"),
}


def visible(text: str) -> str:
    """Return a text in which control characters and those that reverse text are seen instead of obeyed."""
    return text.translate(_VISIBLE)


@lru_cache(maxsize=256)
def render(text: str, hosts: frozenset[str] | None = None) -> SafeString:
    """Return an answer as HTML that can be put into a page; one that is too long as plain text.

    With `hosts`, links to any other are shown as text: what repeats a stranger's words may lead to them.
    """
    text = visible(text)
    if len(text) > LONGEST:
        return format_html('<pre class="plain" tabindex="0">{}</pre>', text)
    # Safe: the renderer escapes every text, and the sanitiser passes only what is listed below.
    return SafeString(_SANITISER.clean(_PARSER.render(text, {_HOSTS: hosts})))


def _split(url: str) -> SplitResult | None:
    """Return the parts of a whole http, https or mailto URL; None for any other."""
    try:
        parts = urlsplit(url)
        host = _HOST.fullmatch(parts.hostname or "") and parts.port != 0
        whole = bool(parts.path if parts.scheme == "mailto" else host)
    except ValueError:
        return None
    return parts if whole and parts.scheme in _SCHEMES else None


def _place(url: str) -> str:
    """Return where a valid link leads: its host and port, or the address of a mailto link."""
    parts = _split(url)
    if parts is None:
        return ""
    return parts.path if parts.scheme == "mailto" else parts.netloc.rpartition("@")[2].lower()


def _says_place(words: str, url: str) -> bool:
    """Return whether a link's words are themselves a URL or address of the same place."""
    shown = _split(words if "://" in words or words.startswith("mailto:") else f"mailto:{words}")
    return shown is not None and "@" not in shown.netloc and _place(shown.geturl()) == _place(url)


def _finish(state: StateCore) -> None:
    for token in state.tokens:
        if token.children is not None:
            token.children = _with_places(token.children, state.env[_HOSTS])
        elif token.tag.startswith("h") and token.type.startswith("heading"):
            # An answer has no place in the page's outline, however it numbers its headings.
            token.attrs = {"class": f"level-{token.tag[1:]}"} if token.nesting == 1 else {}
            token.tag = "h3"
        elif token.type in ("th_open", "td_open"):
            side = str(token.attrs.pop("style", "")).removeprefix("text-align:")
            token.attrs = {"class": side} if side in _CELLS else {}


def _leads_elsewhere(url: str, hosts: frozenset[str] | None) -> bool:
    """Return whether a valid link leads to none of the hosts, if those are all that may be led to."""
    if hosts is None:
        return False
    parts = urlsplit(url)
    host = parts.path.rpartition("@")[2] if parts.scheme == "mailto" else parts.hostname or ""
    return host.lower() not in hosts


def _with_places(children: Sequence[Token], hosts: frozenset[str] | None) -> list[Token]:
    """Return an inline's tokens: images as links to them, and each link followed by where it leads.

    A link to another host than `hosts` keeps its words and where it would lead.
    """
    result: list[Token] = []
    words, url = "", ""
    for token in children:
        if token.type == "link_open":
            words, url = "", str(token.attrs.get("href", ""))
            token.attrs = {"href": url}
        elif token.type == "image" and not url:
            result += _image_link(token, hosts)
            continue
        elif token.type == "image":
            token = _text(token.content or "image")
        elif token.type == "link_close" and not words.strip():
            words = _place(url)
            result.append(_text(words))
        words += token.content
        if not (token.type in ("link_open", "link_close") and _leads_elsewhere(url, hosts)):
            result.append(token)
        if token.type == "link_close":
            if not _says_place(words, url):
                result.append(Token("link_place", "", 0, content=_place(url)))
            words, url = "", ""
    return result


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _image_link(image: Token, hosts: frozenset[str] | None) -> list[Token]:
    url = str(image.attrs.get("src", ""))
    words = _text(image.content or "image")
    opening = Token("link_open", "a", 1, attrs={"href": url})
    place = Token("link_place", "", 0, content=f"image, {_place(url)}")
    return (
        [words, place]
        if _leads_elsewhere(url, hosts)
        else [opening, words, Token("link_close", "a", -1), place]
    )


class _Renderer(RendererHTML):
    """Adds to markdown-it's elements: where a link leads, and boxes that scroll by key."""

    def link_place(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        return format_html(' <span class="link-place">({})</span>', tokens[index].content)

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return format_html('<pre class="code" tabindex="0"><code>{}</code></pre>\n', tokens[idx].content)

    def code_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return self.fence(tokens, idx)

    def table_open(self, *_: Any) -> str:
        return '<div class="table-scroll" tabindex="0"><table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"


def _linkify(state: StateInline, silent: bool) -> bool:
    """Apply the parser's rule for URLs, which searches all text since the last mark, to the end of it only.

    Otherwise very many URLs that are none take time in proportion to the square of their number.
    """
    if not silent and len(state.pending) > 2 * _LONGEST_SCHEME:
        state.pending, end = state.pending[:-_LONGEST_SCHEME], state.pending[-_LONGEST_SCHEME:]
        state.pushPending()
        state.pending = end
    return linkify(state, silent)


class _Parser(MarkdownIt):
    """CommonMark with tables, strikethrough and URLs as links; without HTML."""

    def __init__(self) -> None:
        options = {"html": False, "linkify": True, "breaks": True, "maxNesting": 20}
        super().__init__("commonmark", options, renderer_cls=_Renderer)
        self.enable(["table", "strikethrough", "linkify"])
        # Only what is written as a URL, not every word with a dot.
        if self.linkify is not None:
            self.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
        self.inline.ruler.at("linkify", _linkify)
        self.core.ruler.push("places", _finish)

    def validateLink(self, url: str) -> bool:
        return _split(url) is not None

    def normalizeLinkText(self, link: str) -> str:
        """Return a URL as it was written: decoded, another alphabet could pass for the host."""
        return link


_PARSER = _Parser()
_SANITISER = nh3.Cleaner(
    tags=_BLOCKS | _TABLES | _SPANS,
    attributes={"a": {"href"}, "ol": {"start"}, "pre": {"tabindex"}, "div": {"tabindex"}},
    allowed_classes={
        "h3": {f"level-{level}" for level in range(1, 7)},
        "th": _CELLS,
        "td": _CELLS,
        "pre": {"code"},
        "div": {"table-scroll"},
        "span": {"link-place"},
    },
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes=_SCHEMES,
    link_rel="noopener noreferrer nofollow",
    url_relative="deny",
)
