"""Netlify's CDN caches what Next caches, from the first request on."""

from __future__ import annotations

from pathlib import Path

from tests.converter import node
from tests.converter.projects import convert_to, drive_target, write_project

GET = "export const GET = (request) => Response.json({ query: request.nextUrl.search });"
ROUTES = {
    "app/minute/route.js": f"export const revalidate = 60;\n{GET}",
    "app/still/route.js": f"export const dynamic = 'force-static';\n{GET}",
    "app/never/route.js": f"export const revalidate = 0;\n{GET}",
    "app/always/route.js": f"export const dynamic = 'force-dynamic';\nexport const revalidate = 60;\n{GET}",
}
CDN = "netlify-cdn-cache-control"


def test_responses_are_cached_as_the_route_says(tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", ROUTES), tmp_path / "out"
    conversion = convert_to(root, out)
    assert {problem.severity for problem in conversion.problems} == {"info"}
    names = ("minute", "still", "never", "always")
    requests = [{"method": "GET", "path": f"/{name}?a=1", "only": True} for name in names]
    responses = [pair["got"][0] for pair in node.drive(root, requests, [drive_target(out)])]
    minute, still, never, always = (dict(response["headers"]).get(CDN, "") for response in responses)
    assert "s-maxage=60," in minute
    assert "s-maxage=31536000," in still
    assert never == always == ""
    assert [response["body"] for response in responses[:2]] == ['{"query":"?a=1"}', '{"query":""}']
