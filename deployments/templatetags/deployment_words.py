"""Say of agents where they are online."""

from __future__ import annotations

from django import template

from deployments import oauth

register = template.Library()


@register.simple_tag
def consent_is_offered() -> bool:
    """Tell whether an account at Netlify can be connected without a token."""
    return oauth.is_offered()
