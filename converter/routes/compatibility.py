"""What the adapter replaces of Next, what does not work in a function, and what to use instead."""

from __future__ import annotations

# Modules that the adapter replaces, with the values it exports.
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
# Types without a use in a function; the adapter declares them as `any`.
_MIDDLEWARE_TYPES = ("NextFetchEvent", "NextMiddleware", "MiddlewareConfig", "NextProxy", "ProxyConfig")
_PAGE_TYPES = (
    "Metadata",
    "ResolvingMetadata",
    "Viewport",
    "NextPage",
    "NextConfig",
    "GetServerSideProps",
    "GetStaticProps",
)
# The types it exports as well, for functions that keep them.
TYPES: dict[str, frozenset[str]] = {
    "next": frozenset({"NextApiRequest", "NextApiResponse", "NextApiHandler", "PageConfig", *_PAGE_TYPES}),
    "next/server": frozenset({"NextRequest", "NextResponse", *_MIDDLEWARE_TYPES}),
    "next/headers": frozenset(),
    "next/navigation": frozenset({"RedirectType"}),
    "next/cache": frozenset(),
}

_CACHE = "Send Netlify-CDN-Cache-Control and Netlify-Cache-Tag, and purge the tag with Netlify's API."
_SESSION = "Verify the session from its cookie or an Authorization header (see --supabase)."
_REGION = "Read context.geo and context.ip, the second argument of a hand-written Netlify function."
# Variables that the adapter sets, as Next does.
SET_BY_ADAPTER = frozenset({"NODE_ENV", "NEXT_RUNTIME"})
# Other exports of Next's modules, and what to write instead.
BY_HAND: dict[str, str] = {
    "draftMode": "Set a signed cookie, and read it with cookies().",
    "userAgent": "Parse the user-agent header with a package such as ua-parser-js.",
    "userAgentFromString": "Use a package such as ua-parser-js.",
    "ImageResponse": "Render with satori, and return the bytes.",
    "URLPattern": "Match request.nextUrl.pathname with a regular expression, or install urlpattern-polyfill.",
    "NextFetchEvent": "Write the middleware as an edge function.",
    "revalidatePath": _CACHE,
    "revalidateTag": _CACHE,
    "updateTag": _CACHE,
    "unstable_cache": _CACHE,
    "cacheTag": _CACHE,
    "cacheLife": _CACHE,
}
DROPPED = frozenset({"server-only", "client-only"})

# Packages that only work inside Next.
NEEDS_NEXT: dict[str, str] = {
    "next-auth": _SESSION,
    "@auth/nextjs": _SESSION,
    "@clerk/nextjs": "Use @clerk/backend, and verify the token in the Authorization header.",
    "@auth0/nextjs-auth0": _SESSION,
    "@supabase/auth-helpers-nextjs": "Use @supabase/ssr with cookies(), or --supabase.",
    "next-intl": "Read the locale from the URL or the accept-language header.",
    "@vercel/edge": _REGION,
    "@vercel/functions": _REGION,
    "@vercel/og": "Render with satori in Node, and return the bytes.",
    "@sentry/nextjs": "Use @sentry/node.",
}
# Exports of React that only exist in server components.
REACT = frozenset({"cache", "use", "taintObjectReference", "taintUniqueValue"})

# Globals of the edge runtime that Node lacks.
EDGE_GLOBALS: dict[str, str] = {
    "EdgeRuntime": "Keep only the branch for Node.",
    "caches": "Send Netlify-CDN-Cache-Control, or store the value in Netlify Blobs.",
    "HTMLRewriter": "Use a parser such as parse5, or a Netlify edge function.",
    "WebSocketPair": "Convert the WebSocket server with --migrate.",
    "URLPattern": BY_HAND["URLPattern"],
}
# Methods of the response that only work on Next's server.
RESPONSE_METHODS: dict[str, str] = {
    "revalidate": _CACHE,
    "unstable_revalidate": _CACHE,
    "setPreviewData": BY_HAND["draftMode"],
    "clearPreviewData": BY_HAND["draftMode"],
    "setDraftMode": BY_HAND["draftMode"],
}
MIDDLEWARE_ONLY: dict[str, str] = {
    "next": "Return a response here; NextResponse.next() is for middleware.",
    "rewrite": "Fetch the other URL and return its response, or add a redirect with status 200.",
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
