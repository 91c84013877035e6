"""Bech32 (BIP 173), the text form of age's keys."""

from __future__ import annotations

from collections.abc import Iterable

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def encode(prefix: str, data: bytes) -> str:
    """Return bytes as Bech32 in lower case."""
    words = _regroup(data, 8, 5, pad=True)
    check = _polymod([*_expand(prefix), *words, *[0] * _CHECKSUM]) ^ 1
    words += [(check >> 5 * (_CHECKSUM - 1 - place)) & 31 for place in range(_CHECKSUM)]
    return f"{prefix}1{''.join(_CHARSET[word] for word in words)}"


def decode(prefix: str, text: str) -> bytes:
    """Return the bytes of a Bech32 text with this prefix (lower case); raises ValueError."""
    lower = text.lower()
    given, _, body = lower.rpartition("1")
    if text not in (lower, text.upper()) or given != prefix or len(body) < _CHECKSUM:
        raise ValueError(f"not a text of the kind {prefix}1…")
    words = [_CHARSET.find(character) for character in body]
    if -1 in words or _polymod([*_expand(prefix), *words]) != 1:
        raise ValueError("a character is wrong or missing")
    return bytes(_regroup(words[:-_CHECKSUM], 5, 8, pad=False))


def _expand(prefix: str) -> list[int]:
    return [*(ord(character) >> 5 for character in prefix), 0, *(ord(character) & 31 for character in prefix)]


def _polymod(words: Iterable[int]) -> int:
    check = 1
    for word in words:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for place, generator in enumerate(_GENERATORS):
            check ^= generator if top >> place & 1 else 0
    return check


def _regroup(words: Iterable[int], before: int, after: int, *, pad: bool) -> list[int]:
    """Divide a string of bits into words of another size; raises ValueError for bits that are left over."""
    value = bits = 0
    output = []
    for word in words:
        value = (value << before | word) & 0xFFFF
        bits += before
        while bits >= after:
            bits -= after
            output.append(value >> bits & (1 << after) - 1)
    rest = value & (1 << bits) - 1
    if pad and bits:
        output.append(rest << after - bits & (1 << after) - 1)
    elif not pad and (bits >= before or rest):
        raise ValueError("the end is damaged")
    return output
