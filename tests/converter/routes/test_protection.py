"""What the conversion can add: other origins may ask, and only signed-in people are answered."""

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
from tests.converter.projects import HARNESS, convert_to, read_redirects, write_project
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


def _ask(tmp_path: Path, options: Options, questions: list[dict[str, Any]], **environment: str) -> list[Any]:
    out = tmp_path / "out"
    convert_to(write_project(tmp_path / "project", ROUTES), out, options)
    target = {"out": str(out), "v2": options.v2, "redirects": read_redirects(out)}
    asked = [{"method": "GET", "only": True, **question} for question in questions]
    job = {
        "typescript": str(node.packages() / "typescript"),
        "root": str(tmp_path / "project"),
        "aliases": [],
        "questions": asked,
        "targets": [target],
    }
    return [answer["got"][0] for answer in node.run(HARNESS / "drive.cjs", job, **environment)]


def _headers(answer: dict[str, Any]) -> dict[str, str]:
    return dict(answer["headers"])


def test_another_origin_may_ask_when_it_is_named(tmp_path: Path) -> None:
    preflight = {"origin": SHOP, "access-control-request-method": "GET"}
    stranger = {**preflight, "origin": "https://other.example"}
    allowed, refused, answered, own = _ask(
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
    assert _headers(answered)["access-control-allow-origin"] == SHOP
    assert _headers(answered)["vary"] == "origin"
    assert _headers(own)["access-control-allow-origin"] == "https://own.example"


@pytest.mark.parametrize("v2", [False, True])
def test_only_users_of_the_supabase_project_are_answered(tmp_path: Path, v2: bool) -> None:
    service = SupabaseAuth().start()
    try:
        service.account("ada@example.com", "correct horse")
        signed_in = httpx.post(
            f"{service.url}/auth/v1/token?grant_type=password",
            headers={"apikey": service.anon_key},
            json={"email": "ada@example.com", "password": "correct horse"},
        ).json()
        bearer = {"authorization": f"Bearer {signed_in['access_token']}"}
        answers = _ask(
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
    assert [answer["status"] for answer in answers] == [200, 401, 401, 200, 200]
    assert [json.loads(answer["body"]) for answer in answers[3:]] == [{"user": "ada@example.com"}] * 2


def test_nobody_is_answered_while_supabase_is_out_of_reach(tmp_path: Path) -> None:
    question = {"path": "/private/mine", "headers": {"authorization": "Bearer a.b.c"}}
    away = {"SUPABASE_URL": "http://127.0.0.1:9", "SUPABASE_ANON_KEY": "k"}
    (answer,) = _ask(tmp_path, Options(supabase=("*",)), [question], **away)
    assert answer["status"] == 503
    (unset,) = _ask(tmp_path, Options(supabase=("*",)), [question], SUPABASE_URL="", SUPABASE_ANON_KEY="")
    assert unset["status"] == 503


@pytest.mark.parametrize("v2", [False, True])
def test_nobody_is_sent_to_another_host_for_a_slash(tmp_path: Path, v2: bool) -> None:
    write_project(
        tmp_path / "project", {"app/[[...all]]/route.js": "export const GET = () => new Response('');"}
    )
    (answer,) = _ask(tmp_path, Options(v2=v2), [{"path": "//evil.example/a//?b=1"}])
    assert (answer["status"], _headers(answer)["location"]) == (308, "/evil.example/a?b=1")


def test_addresses_to_protect_are_those_of_the_report(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"app/users/[id]/route.js": "export const GET = () => new Response('');"})
    (route,) = convert(root, Options(supabase=("/users/[id]",))).routes
    assert (route.protected, route.environment) == (True, {"SUPABASE_ANON_KEY", "SUPABASE_URL"})


def test_nothing_is_written_when_nothing_would_be_protected(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="/privat/\\*"):
        convert_to(
            write_project(tmp_path / "project", ROUTES), tmp_path / "out", Options(supabase=("/privat/*",))
        )
    assert not (tmp_path / "out").exists()
