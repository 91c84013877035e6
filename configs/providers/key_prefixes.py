"""Recognize the issuer of a key by its prefix."""

from __future__ import annotations

# Prefix and issuer. The longest match wins.
_ISSUERS = {
    "sk-ant-": "Anthropic",
    "sk-or-v1-": "OpenRouter",
    "gsk_": "Groq",
    "xai-": "xAI",
    "csk-": "Cerebras",
    "pplx-": "Perplexity",
    "AIza": "Google",
    "nfp_": "Netlify",
    "ghp_": "GitHub",
    "github_pat_": "GitHub",
    "eyJ": "a token service (this is a JWT)",
}


def issuer(key: str) -> str:
    """Return the likely issuer of a key; empty if unknown."""
    matches = [prefix for prefix in _ISSUERS if key.startswith(prefix)]
    return _ISSUERS[max(matches, key=len)] if matches else ""
