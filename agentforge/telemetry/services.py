"""The other services that the forge calls, under a few names: users choose hosts, and labels are few."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

_SETTINGS = (
    ("SUPABASE_URL", "supabase"),
    ("SUPABASE_STORAGE_URL", "supabase"),
    ("ARTIFACT_S3_ENDPOINT", "s3"),
    ("AGENTFORGE_NETLIFY_URL", "netlify"),
    ("AGENTFORGE_FORGE_URL", "forge"),
    ("LOCAL_MODEL_URL", "local-model"),
    ("AGENTFORGE_OPENAI_URL", "openai"),
    ("AGENTFORGE_ANTHROPIC_URL", "anthropic"),
)
_KNOWN = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "xai",
    "openrouter.ai": "openrouter",
    "api.together.xyz": "together",
    "api.cohere.com": "cohere",
    "api.search.brave.com": "brave",
    "api.tavily.com": "tavily",
}


def service_of(host: str) -> str:
    """Return the name of the service at a host; `other` for hosts that users chose."""
    for setting, service in _SETTINGS:
        if host and urlsplit(getattr(settings, setting)).hostname == host:
            return service
    for code, url in settings.AGENTFORGE_PROVIDER_URLS.items():
        if urlsplit(url).hostname == host:
            return code
    if any(urlsplit(builder.get("url", "")).hostname == host for builder in settings.AGENTFORGE_BUILDERS):
        return "builder"
    if host == settings.EMAIL_HOST:
        return "mail"
    # The name of a bucket may stand before it.
    if host.endswith((".amazonaws.com", f".{urlsplit(settings.ARTIFACT_S3_ENDPOINT).hostname}")):
        return "s3"
    return _KNOWN.get(host, "other")


def outcome_class(outcome: str) -> str:
    """Return an outcome as a label: a status by its class, 429 by itself, anything else as it is."""
    return f"{outcome[0]}xx" if outcome.isdecimal() and outcome != "429" else outcome
