"""The rules of a site in the files that Netlify reads: `_headers` and `_redirects`."""

from __future__ import annotations

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_EVERYWHERE = {
    "Content-Security-Policy": POLICY,
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Where other programs find the agent, beside those below /v1.
_PROGRAM_PATHS = ("mcp", "a2a", ".well-known/agent-card.json")


def headers() -> str:
    """Return the headers of every response of the site."""
    lines = ["/*", *(f"  {name}: {value}" for name, value in _EVERYWHERE.items())]
    return "\n".join([*lines, "/agentforge.json", "  Cache-Control: no-store", ""])


def redirects(function: str) -> str:
    """Return the rewrites of paths to the function; the browser's URL does not change."""
    target = f"/.netlify/functions/{function}"
    below = [f"/{path}/* {target}/{path}/:splat 200\n" for path in ("api", "v1")]
    exact = [f"/{path} {target}/{path} 200\n" for path in _PROGRAM_PATHS]
    return "".join(below + exact)
