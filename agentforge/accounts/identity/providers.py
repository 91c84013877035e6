from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from supabase_auth.types import Provider

# Names as in Supabase Auth: https://supabase.com/docs/guides/auth/social-login
PROVIDERS: dict[Provider, str] = {
    "apple": "Apple",
    "azure": "Microsoft",
    "bitbucket": "Bitbucket",
    "discord": "Discord",
    "facebook": "Facebook",
    "figma": "Figma",
    "fly": "Fly",
    "github": "GitHub",
    "gitlab": "GitLab",
    "google": "Google",
    "kakao": "Kakao",
    "keycloak": "Keycloak",
    "linkedin": "LinkedIn",
    "linkedin_oidc": "LinkedIn",
    "notion": "Notion",
    "slack": "Slack",
    "slack_oidc": "Slack",
    "spotify": "Spotify",
    "twitch": "Twitch",
    "twitter": "Twitter",
    "workos": "WorkOS",
    "x": "X",
    "zoom": "Zoom",
}


def is_known(code: str) -> TypeGuard[Provider]:
    """Return whether Supabase Auth supports a provider of this name."""
    return code in PROVIDERS
