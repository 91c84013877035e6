from __future__ import annotations

from django.core.exceptions import ValidationError

from agentforge import outbound

MAX_LENGTH = 500


def clean_base_url(value: object) -> str:
    """Return a base URL without a trailing slash.

    Raises ValidationError for anything else. Whether its address is allowed is checked on use.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValidationError("Enter the server's base URL, like https://models.example.com/v1.")
    url = value.strip().rstrip("/")
    if len(url) > MAX_LENGTH:
        raise ValidationError(f"Use at most {MAX_LENGTH} characters.")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValidationError("Use a URL of plain characters, without spaces.")
    try:
        parsed = outbound.checked_url(url)
    except outbound.OutboundError as error:
        raise ValidationError(str(error)) from error
    if parsed.query or parsed.fragment:
        raise ValidationError("Remove everything from ? or # on.")
    return url
