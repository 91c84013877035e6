"""What Next caches at build time, Netlify's CDN keeps from the first request on."""

from __future__ import annotations

from pathlib import Path

from tests.converter import node
from tests.converter.projects import HARNESS, convert_to, read_redirects, write_project

GET = "export const GET = (request) => Response.json({ query: request.nextUrl.search });"
ROUTES = {
    "app/minute/route.js": f"export const revalidate = 60;\n{GET}",
    "app/still/route.js": f"export const dynamic = 'force-static';\n{GET}",
    "app/never/route.js": f"export const revalidate = 0;\n{GET}",
    "app/always/route.js": f"export const dynamic = 'force-dynamic';\nexport const revalidate = 60;\n{GET}",
}
CDN = "netlify-cdn-cache-control"


def test_answers_are_kept_as_the_route_says(tmp_path: Path) -> None:
    out = tmp_path / "out"
    conversion = convert_to(write_project(tmp_path / "project", ROUTES), out)
    assert {problem.severity for problem in conversion.problems} == {"info"}
    names = ("minute", "still", "never", "always")
    job = {
        "typescript": str(node.packages() / "typescript"),
        "root": str(tmp_path / "project"),
        "aliases": [],
        "questions": [{"method": "GET", "path": f"/{name}?a=1", "only": True} for name in names],
        "targets": [{"out": str(out), "v2": False, "redirects": read_redirects(out)}],
    }
    answers = [answer["got"][0] for answer in node.run(HARNESS / "drive.cjs", job)]
    kept = [dict(answer["headers"]).get(CDN, "") for answer in answers]
    assert ["s-maxage=60," in kept[0], "s-maxage=31536000," in kept[1], kept[2], kept[3]] == [
        True,
        True,
        "",
        "",
    ]
    assert [answer["body"] for answer in answers[:2]] == ['{"query":"?a=1"}', '{"query":""}']
