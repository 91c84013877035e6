"""Access rules that the conversion adds: other origins, and users of a Supabase project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from converter.problems import ConversionError
from converter.routes.conversion import convert
from converter.routes.model import Options
from tests.converter import node
from tests.converter.projects import convert_to, drive_target, write_project
from tests.standins.supabase_auth import SupabaseAuth

ROUTES = {
    "app/open/route.js": "export const GET = () => Response.json({ open: true });",
    "app/private/mine/route.js": (
        "export const GET = (request) => Response.json({ user: request.supabaseUser.email });"
    ),
    "pages/api/private/old.js": "export default (req, res) => res.json({ user: req.supabaseUser.email });",
    "pages/api/own.js": (
        "export default (req, res) => res.setHeader('Access-Control-Allow-Origin', 'https://own.example').end();"
    ),
}
SHOP = "https://shop.example"


def _send(tmp_path: Path, options: Options, requests: list[dict[str, Any]], **environment: str) -> list[Any]:
    root, out = write_project(tmp_path / "project", ROUTES), tmp_path / "out"
    convert_to(root, out, options)
    requests = [{"method": "GET", "only": True, **request} for request in requests]
    pairs = node.drive(root, requests, [drive_target(out, options)], environment=environment)
    return [pair["got"][0] for pair in pairs]


def _headers(response: dict[str, Any]) -> dict[str, str]:
    return dict(response["headers"])


def test_cors_allows_the_given_origin(tmp_path: Path) -> None:
    preflight = {"origin": SHOP, "access-control-request-method": "GET"}
    stranger = {**preflight, "origin": "https://other.example"}
    allowed, refused, simple, own = _send(
        tmp_path,
        Options(cors=(SHOP,)),
        [
            {"method": "OPTIONS", "path": "/open", "headers": preflight},
            {"method": "OPTIONS", "path": "/open", "headers": stranger},
            {"path": "/open", "headers": {"origin": SHOP}},
            {"path": "/api/own", "headers": {"origin": SHOP}},
        ],
    )
    assert (allowed["status"], _headers(allowed)["access-control-allow-origin"]) == (204, SHOP)
    assert "access-control-allow-origin" not in _headers(refused)
    assert _headers(simple)["access-control-allow-origin"] == SHOP
    assert _headers(simple)["vary"] == "origin"
    assert _headers(own)["access-control-allow-origin"] == "https://own.example"


@pytest.mark.parametrize("v2", [False, True])
def test_protected_routes_require_a_user_of_the_supabase_project(tmp_path: Path, v2: bool) -> None:
    service = SupabaseAuth().start()
    try:
        service.account("ada@example.com", "correct horse")
        signed_in = httpx.post(
            f"{service.url}/auth/v1/token?grant_type=password",
            headers={"apikey": service.anon_key},
            json={"email": "ada@example.com", "password": "correct horse"},
        ).json()
        bearer = {"authorization": f"Bearer {signed_in['access_token']}"}
        responses = _send(
            tmp_path,
            Options(v2=v2, supabase=("/private/*", "/api/private/*")),
            [
                {"path": "/open"},
                {"path": "/private/mine"},
                {"path": "/private/mine", "headers": {"authorization": "Bearer made.up.token"}},
                {"path": "/private/mine", "headers": bearer},
                {"path": "/api/private/old", "headers": bearer},
            ],
            SUPABASE_URL=service.url,
            SUPABASE_ANON_KEY=service.anon_key,
        )
    finally:
        service.stop()
    assert [response["status"] for response in responses] == [200, 401, 401, 200, 200]
    assert [json.loads(response["body"]) for response in responses[3:]] == [{"user": "ada@example.com"}] * 2


def test_protected_routes_refuse_everybody_while_supabase_is_unreachable(tmp_path: Path) -> None:
    request = {"path": "/private/mine", "headers": {"authorization": "Bearer a.b.c"}}
    unreachable = {"SUPABASE_URL": "http://127.0.0.1:9", "SUPABASE_ANON_KEY": "k"}
    (response,) = _send(tmp_path, Options(supabase=("*",)), [request], **unreachable)
    assert response["status"] == 503
    (unset,) = _send(tmp_path, Options(supabase=("*",)), [request], SUPABASE_URL="", SUPABASE_ANON_KEY="")
    assert unset["status"] == 503


@pytest.mark.parametrize("v2", [False, True])
def test_double_slashes_do_not_redirect_to_another_host(tmp_path: Path, v2: bool) -> None:
    write_project(
        tmp_path / "project", {"app/[[...all]]/route.js": "export const GET = () => new Response('');"}
    )
    (response,) = _send(tmp_path, Options(v2=v2), [{"path": "//evil.example/a//?b=1"}])
    assert (response["status"], _headers(response)["location"]) == (308, "/evil.example/a?b=1")


def test_protected_urls_are_written_as_in_the_report(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"app/users/[id]/route.js": "export const GET = () => new Response('');"})
    (route,) = convert(root, Options(supabase=("/users/[id]",))).routes
    assert (route.protected, route.environment) == (True, {"SUPABASE_ANON_KEY", "SUPABASE_URL"})


def test_a_pattern_that_protects_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="/privat/\\*"):
        convert_to(
            write_project(tmp_path / "project", ROUTES), tmp_path / "out", Options(supabase=("/privat/*",))
        )
    assert not (tmp_path / "out").exists()
