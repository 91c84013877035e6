"""Recognize keys by their beginnings: hints for a form, except where a kind of key can't work at all."""

from __future__ import annotations

# Beginning, whose key it is. The longest match wins.
_KNOWN = {
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
    """Return whose key this looks like; empty when its beginning says nothing."""
    matches = [beginning for beginning in _KNOWN if key.startswith(beginning)]
    return _KNOWN[max(matches, key=len)] if matches else ""
