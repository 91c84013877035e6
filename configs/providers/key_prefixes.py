"""Recognize the issuer of a key by its prefix."""

from __future__ import annotations

from .catalogue import ENTRIES

# Prefix and issuer. The longest match wins.
ISSUERS = {
    "csk-": "Cerebras",
    "pplx-": "Perplexity",
    "nfp_": "Netlify",
    "ghp_": "GitHub",
    "github_pat_": "GitHub",
    "eyJ": "a token service (this is a JWT)",
    **{prefix: str(entry["label"]) for entry in ENTRIES.values() for prefix in entry.get("key_prefixes", ())},
}


def issuer(key: str) -> str:
    """Return the likely issuer of a key; empty if unknown."""
    matches = [prefix for prefix in ISSUERS if key.startswith(prefix)]
    return ISSUERS[max(matches, key=len)] if matches else ""
