"""What the conversion knows of Next's modules, of packages that need Next, and of globals that Node lacks."""

from __future__ import annotations

# Modules of Next that the adapter stands in for, with the values that it offers.
OFFERED: dict[str, frozenset[str]] = {
    "next": frozenset(),
    "next/server": frozenset({"NextRequest", "NextResponse", "after", "unstable_after", "connection"}),
    "next/headers": frozenset({"cookies", "headers"}),
    "next/navigation": frozenset(
        {
            "redirect",
            "permanentRedirect",
            "notFound",
            "forbidden",
            "unauthorized",
            "unstable_rethrow",
            "RedirectType",
        }
    ),
    "next/cache": frozenset({"unstable_noStore"}),
    "@vercel/functions": frozenset({"waitUntil"}),
    "react": frozenset({"cache"}),
}
# And the types, for functions that keep them.
TYPES: dict[str, frozenset[str]] = {
    "next": frozenset({"NextApiRequest", "NextApiResponse", "NextApiHandler", "PageConfig"}),
    "next/server": frozenset({"NextRequest", "NextResponse"}),
    "next/headers": frozenset(),
    "next/navigation": frozenset({"RedirectType"}),
    "next/cache": frozenset(),
}

_CACHE = (
    "Netlify has no such cache: send Netlify-CDN-Cache-Control and Netlify-Cache-Tag, and purge by its API."
)
_SESSION = "Verify the session yourself, from its cookie or an Authorization header (see --supabase)."
_REGION = "Read context.geo and context.ip in a function written by hand (Netlify's second argument)."
# Variables that Next sets, and the adapter as well.
SET_BY_ADAPTER = frozenset({"NODE_ENV", "NEXT_RUNTIME"})
# What else of Next's modules routes use, and what to write instead.
BY_HAND: dict[str, str] = {
    "draftMode": "Keep a signed cookie of your own that says so, and read it with cookies().",
    "userAgent": "Read the header user-agent, with a parser such as ua-parser-js.",
    "userAgentFromString": "Use a parser such as ua-parser-js.",
    "ImageResponse": "Render with @vercel/og or satori directly, and answer with the bytes.",
    "URLPattern": "Match request.nextUrl.pathname yourself, or install urlpattern-polyfill.",
    "NextFetchEvent": "It belongs to middleware: write an edge function.",
    "revalidatePath": _CACHE,
    "revalidateTag": _CACHE,
    "updateTag": _CACHE,
    "unstable_cache": _CACHE,
    "cacheTag": _CACHE,
    "cacheLife": _CACHE,
}
DROPPED = frozenset({"server-only", "client-only"})

# Packages that can't work without Next around them, by name or by the beginning of it.
NEEDS_NEXT: dict[str, str] = {
    "next-auth": _SESSION,
    "@auth/nextjs": _SESSION,
    "@clerk/nextjs": "Use @clerk/backend, and verify the token of the Authorization header.",
    "@auth0/nextjs-auth0": _SESSION,
    "@supabase/auth-helpers-nextjs": "Use @supabase/ssr with cookies(), or --supabase.",
    "next-intl": "Read the locale from the URL or from accept-language.",
    "@vercel/edge": _REGION,
    "@vercel/functions": _REGION,
    "@vercel/og": "Render with satori in Node, and answer with the bytes.",
    "@sentry/nextjs": "Use @sentry/node.",
}
# Names of React that only server components have.
REACT = frozenset({"cache", "use", "taintObjectReference", "taintUniqueValue"})

# Globals of the edge runtime that Node doesn't have.
EDGE_GLOBALS: dict[str, str] = {
    "EdgeRuntime": "Take the branch that Node takes.",
    "caches": "Send Netlify-CDN-Cache-Control, or keep the value in Netlify Blobs.",
    "HTMLRewriter": "Use a parser such as parse5, or an edge function of Netlify.",
    "WebSocketPair": "Functions hold no WebSocket: see --migrate.",
    "URLPattern": BY_HAND["URLPattern"],
}
# Methods of the response that need Next's server.
RESPONSE_METHODS: dict[str, str] = {
    "revalidate": _CACHE,
    "unstable_revalidate": _CACHE,
    "setPreviewData": BY_HAND["draftMode"],
    "clearPreviewData": BY_HAND["draftMode"],
    "setDraftMode": BY_HAND["draftMode"],
}
MIDDLEWARE_ONLY: dict[str, str] = {
    "next": "It belongs to middleware: return a response of its own here.",
    "rewrite": "It belongs to middleware: fetch the other address and return its answer, or add a redirect "
    "with status 200 to netlify.toml.",
}
ASSETS = frozenset({".css", ".scss", ".sass", ".svg", ".png", ".jpg", ".webp", ".wasm", ".node", ".mdx"})

_BUILTINS = """
assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel
dns domain events fs http http2 https inspector module net os path perf_hooks process punycode
querystring readline repl stream string_decoder sys timers tls trace_events tty url util v8 vm wasi
worker_threads zlib
"""
BUILTINS = frozenset(_BUILTINS.split())


def is_builtin(specifier: str) -> bool:
    return specifier.startswith("node:") or specifier.split("/")[0] in BUILTINS


def needs_next(package: str) -> str | None:
    """Return what to write instead of a package that needs Next."""
    return NEEDS_NEXT.get(package)
