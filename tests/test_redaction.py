"""No secret comes out: whole, encoded, coloured, or cut into lines or pieces at any place."""

from __future__ import annotations

import base64
import json
import re
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.redaction import BLANK, Redactor

SECRET = 'sk-live/9f+2"é<b&R7tq\\Zw1x'
# No sign of them occurs in what surrounds a secret below.
secrets = st.text(string.ascii_letters + string.digits + "+/=&%\"'\\<é", min_size=8, max_size=40)
around = st.text(" .-:;", max_size=20)


def _go(text: str) -> str:
    """Escape as Go's encoding/json does."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return escaped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "go": _go,
    "php": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "repr": lambda text: repr(text)[1:-1],
    "url": lambda text: quote(text, safe=""),
    "path": quote,
    "form": quote_plus,
    "lower": lambda text: re.sub("%..", lambda sign: sign[0].lower(), quote(text, safe="")),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_blanked_in_every_form(form: str) -> None:
    text = f"key={FORMS[form](SECRET)}, and on"
    assert Redactor([SECRET])(text) == f"key={BLANK}, and on"


@pytest.mark.parametrize("before", ["", "u", "me", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_blanked_in_base64_wherever_it_begins(
    before: str, encode: Callable[[bytes], bytes]
) -> None:
    whole = encode(f"{before}{SECRET}".encode()).decode()
    clean = Redactor([SECRET])(f"Authorization: Basic {whole} end")
    shown = clean.removeprefix("Authorization: Basic ").removesuffix(" end")
    assert shown.endswith(BLANK) and len(shown) <= len(BLANK) + len(before) * 4 // 3 + 3


def test_colours_do_not_hide_a_secret() -> None:
    cut = f"\x1b[31m{SECRET[:9]}\x1b[1m{SECRET[9:]}\x1b[0m rest"
    assert Redactor([SECRET])(cut) == f"{BLANK} rest"
    assert Redactor([SECRET])("\x1b[31mred\x1b[0m") == "\x1b[31mred\x1b[0m"


def test_a_word_is_no_secret_and_a_secret_of_several_lines_is_several() -> None:
    assert Redactor(["short", ""])("a short word") == "a short word"
    assert Redactor(["-----BEGIN-----\nMIIEvQIBADAN\n"])("x MIIEvQIBADAN y") == f"x {BLANK} y"


@given(secret=secrets, before=around, after=around, data=st.data())
def test_wrapped_over_lines_a_secret_stays_hidden(
    secret: str, before: str, after: str, data: st.DataObject
) -> None:
    text = before + secret + after
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=4).map(sorted))
    lines = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    redact = Redactor([secret]).lines()
    several = Redactor([secret]).lines()
    for payload in ([redact(line) for line in lines], several.many(lines)):
        shown = "".join(payload).replace(BLANK, "").strip(" .-:;")
        assert len(shown) <= 3, (lines, payload)


@given(secret=secrets, before=around, after=around, data=st.data())
def test_streamed_in_pieces_nothing_of_a_secret_is_seen(
    secret: str, before: str, after: str, data: st.DataObject
) -> None:
    text = before + secret + after
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted))
    redact = Redactor([secret]).pieces()
    payload = [redact(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(payload) + redact.rest() == before + BLANK + after


def test_many_lines_at_once_are_the_same_as_one_by_one() -> None:
    secret = "abcdef0123456789" * 4
    lines = [f"line {number}" for number in range(50)]
    lines += ["x" + secret[:20], secret[20:44], secret[44:] + " y", secret, *lines, secret[:30]]
    for size in (1, 2, 3, 7, 200):
        one, many = Redactor([secret]).lines(), Redactor([secret]).lines()
        batches = [lines[start : start + size] for start in range(0, len(lines), size)]
        assert [text for batch in batches for text in many.many(batch)] == [one(line) for line in lines]


def test_a_piece_that_only_begins_like_a_secret_is_told_when_it_goes_on_otherwise() -> None:
    redact = Redactor(["sk-abcdef", "sk-abcdefgh"]).pieces()
    assert [redact("say sk-a"), redact("ny"), redact(" sk-abcdef"), redact("gh!")] == [
        "say ",
        "sk-any",
        " ",
        f"{BLANK}!",
    ]
    assert redact("sk-abcdef") + redact.rest() == BLANK
