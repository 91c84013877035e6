"""The stand-in of Netlify follows the API's reference."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .netlify import NetlifyStandIn
from .netlify.server import PREFIX, ROUTES
from .netlify.trouble import Kind, Limit

ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00" + bytes(100)
ARM = ELF.replace(b"\x3e", b"\xb7")
OBJECT_FILE = ELF.replace(b"\x02\x00\x3e", b"\x01\x00\x3e")


@pytest.fixture
def netlify() -> Iterator[NetlifyStandIn]:
    with NetlifyStandIn() as server:
        yield server


@pytest.fixture
def api(netlify: NetlifyStandIn) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {netlify.token}"}
    with httpx.Client(base_url=netlify.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def site(api: httpx.Client) -> str:
    return made_site(api, "ada")


def made_site(api: httpx.Client, name: str) -> str:
    return str(api.post("/team-one/sites", json={"name": name}).json()["id"])


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def zipped(program: bytes = ELF, name: str = "bootstrap", mode: int = 0o755) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, program)
    return made.getvalue()


def created(api: httpx.Client, site: str, files: dict[str, bytes], **more: Any) -> dict[str, Any]:
    body = {"files": {path: sha1(content) for path, content in files.items()}, **more}
    answer = api.post(f"/sites/{site}/deploys", params={"title": "A title"}, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def put(api: httpx.Client, deploy: str, path: str, content: bytes) -> httpx.Response:
    return api.put(f"/deploys/{deploy}/files/{path}", content=content)


def put_function(api: httpx.Client, deploy: str, content: bytes, runtime: str = "go") -> httpx.Response:
    given = {"runtime": runtime} if runtime else {}
    return api.put(f"/deploys/{deploy}/functions/agent", params=given, content=content)


def state(api: httpx.Client, deploy: str) -> str:
    return str(api.get(f"/deploys/{deploy}").json()["state"])


def finished(api: httpx.Client, site: str, files: dict[str, bytes], **more: Any) -> str:
    """Deploy files, wait until the deploy is ready, and return its id."""
    deploy = created(api, site, files, **more)
    for path, content in files.items():
        if sha1(content) in deploy["required"]:
            assert put(api, deploy["id"], path, content).status_code == 200
    while state(api, deploy["id"]) not in ("ready", "error"):
        pass
    return str(deploy["id"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
@pytest.mark.parametrize("bearer", [None, "Bearer nfp_of_somebody_else", "Basic bmZw"])
def test_nothing_is_answered_without_the_token(
    route: tuple[str, str, Any], bearer: str | None, netlify: NetlifyStandIn
) -> None:
    path = "/".join("x" if "(" in part else part for part in route[1].split("/") if part)
    headers = {"Authorization": bearer} if bearer else {}
    answer = httpx.request(route[0], f"{netlify.origin}{PREFIX}/{path}", headers=headers)
    assert answer.status_code == 401


def test_one_step_and_two_steps_ask_for_the_same(api: httpx.Client, site: str) -> None:
    files = {"a.txt": b"a", "copies/a.txt": b"a", "b.txt": b"b"}
    one = created(api, site, files)
    empty = created(api, site, {}, draft=False)
    assert (empty["state"], empty["required"]) == ("new", [])
    manifest = {"files": {f"/{path}": sha1(content) for path, content in files.items()}}
    two = api.put(f"/sites/{site}/deploys/{empty['id']}", json=manifest).json()
    assert one["required"] == two["required"] == sorted([sha1(b"a"), sha1(b"b")])
    assert one["state"] == two["state"] == "uploading"


def test_what_any_deploy_brought_is_not_asked_for_again(api: httpx.Client, site: str) -> None:
    finished(api, site, {"a.txt": b"a"})
    other = made_site(api, "bea")
    assert created(api, other, {"x/y.txt": b"a", "b.txt": b"b"})["required"] == [sha1(b"b")]
    assert created(api, other, {"y.txt": b"a"})["state"] == "uploaded"


def test_an_empty_manifest_stays_new(api: httpx.Client, site: str) -> None:
    deploy = created(api, site, {})
    assert {state(api, deploy["id"]) for _ in range(4)} == {"new"}


def test_an_async_list_is_compared_first(api: httpx.Client, site: str) -> None:
    deploy = created(api, site, {"a.txt": b"a"}, **{"async": True})
    assert (deploy["state"], deploy["required"]) == ("preparing", [])
    assert put(api, deploy["id"], "a.txt", b"a").status_code == 422
    prepared = api.get(f"/sites/{site}/deploys/{deploy['id']}").json()
    assert (prepared["state"], prepared["required"]) == ("prepared", [sha1(b"a")])
    put(api, deploy["id"], "a.txt", b"a")
    states = [state(api, deploy["id"]) for _ in range(3)]
    assert states == ["processing", "processed", "ready"]


def test_bytes_that_are_not_the_announced_ones_are_refused(
    api: httpx.Client, site: str, netlify: NetlifyStandIn
) -> None:
    good = zipped()
    functions = {"agent": hashlib.sha256(good).hexdigest()}
    deploy = created(api, site, {"a.txt": b"a"}, functions=functions)
    assert put(api, deploy["id"], "a.txt", b"b").status_code == 422
    assert put(api, deploy["id"], "other.txt", b"a").status_code == 422
    assert put_function(api, deploy["id"], zipped(ELF + b"x")).status_code == 422
    assert not netlify.state.contents
    assert not netlify.state.zips
    assert put_function(api, deploy["id"], good).status_code == 200
    assert put(api, deploy["id"], "a.txt", b"a").status_code == 200


@pytest.mark.parametrize(
    ("content", "runtime", "word"),
    [
        (zipped(), "", "runtime"),
        (zipped(), "rust", "runtime"),
        (b"no zip", "go", "not a zip"),
        (zipped(name="agent"), "go", "no bootstrap"),
        (zipped(mode=0o644), "go", "not executable"),
        (zipped(b"#!/bin/sh\necho not a program of amd64\n"), "go", "amd64"),
        (zipped(b"\x7fELF"), "go", "amd64"),
        (zipped(ARM), "go", "amd64"),
        (zipped(OBJECT_FILE), "go", "amd64"),
    ],
)
def test_a_function_that_would_not_run_is_refused(
    content: bytes, runtime: str, word: str, api: httpx.Client, site: str
) -> None:
    deploy = created(api, site, {}, functions={"agent": hashlib.sha256(content).hexdigest()})
    answer = put_function(api, deploy["id"], content, runtime)
    assert answer.status_code == 422
    assert word in answer.json()["message"]


def test_manifests_that_can_not_be(api: httpx.Client, site: str) -> None:
    for body in (
        {"files": {"a#b.txt": sha1(b"a")}},
        {"files": {"a?b.txt": sha1(b"a")}},
        {"functions": {"no spaces": "0" * 64}},
        {"functions": {"one": "0" * 64, "two": "0" * 64}},
    ):
        assert api.post(f"/sites/{site}/deploys", json=body).status_code == 422


def test_modes_keep_a_deploy_back_or_end_it(api: httpx.Client, site: str, netlify: NetlifyStandIn) -> None:
    netlify.stuck = True
    deploy = created(api, site, {"a.txt": b"a"})
    put(api, deploy["id"], "a.txt", b"a")
    assert [state(api, deploy["id"]) for _ in range(4)] == ["processing"] * 4
    netlify.stuck = False
    netlify.fails_with = "No disk is left"
    failed = api.get(f"/deploys/{deploy['id']}").json()
    assert (failed["state"], failed["error_message"]) == ("error", "No disk is left")
    assert netlify.state.sites[site].published == ""


def test_a_deploy_is_cancelled_once(api: httpx.Client, site: str) -> None:
    deploy = created(api, site, {"a.txt": b"a"})["id"]
    assert api.post(f"/deploys/{deploy}/cancel").status_code == 201
    assert state(api, deploy) == "error"
    assert api.post(f"/deploys/{deploy}/cancel").status_code == 422
    assert put(api, deploy, "a.txt", b"a").status_code == 422
    assert api.put(f"/sites/{site}/deploys/{deploy}", json={"files": {"b": sha1(b"b")}}).status_code == 422
    assert state(api, deploy) == "error"
    ready = finished(api, site, {"b.txt": b"b"})
    assert api.post(f"/deploys/{ready}/cancel").status_code == 422
    assert state(api, ready) == "ready"


def test_what_is_live(api: httpx.Client, site: str, netlify: NetlifyStandIn) -> None:
    first = finished(api, site, {"a.txt": b"first"})
    draft = finished(api, site, {"a.txt": b"draft"}, draft=True)
    branch = finished(api, site, {"a.txt": b"branch"}, branch="try")
    published = netlify.state.sites[site]
    assert published.published == first
    live = netlify.edge.site_url(published)
    assert httpx.get(f"{live}/a.txt").content == b"first"
    for deploy, content in ((draft, b"draft"), (branch, b"branch")):
        permalink = api.get(f"/deploys/{deploy}").json()["deploy_ssl_url"]
        assert httpx.get(f"{permalink}/a.txt").content == content
    assert api.post(f"/sites/{site}/deploys/{draft}/restore").status_code == 201
    assert httpx.get(f"{live}/a.txt").content == b"draft"
    unready = created(api, site, {"a.txt": b"unready"})["id"]
    assert api.post(f"/sites/{site}/deploys/{unready}/restore").status_code == 422
    assert api.get(f"/sites/{site}").json()["published_deploy"]["id"] == draft


def test_a_draft_stays_one_when_its_manifest_says_otherwise(
    api: httpx.Client, site: str, netlify: NetlifyStandIn
) -> None:
    deploy = created(api, site, {}, draft=True)["id"]
    manifest = {"files": {"a.txt": sha1(b"a")}, "draft": False}
    assert api.put(f"/sites/{site}/deploys/{deploy}", json=manifest).json()["draft"] is True
    put(api, deploy, "a.txt", b"a")
    while state(api, deploy) != "ready":
        pass
    assert netlify.state.sites[site].published == ""


def test_a_locked_deploy_stays_live(api: httpx.Client, site: str, netlify: NetlifyStandIn) -> None:
    first = finished(api, site, {"a.txt": b"first"})
    assert api.post(f"/deploys/{first}/lock").status_code == 201
    assert api.get(f"/sites/{site}").json()["published_deploy"] == {
        "id": first,
        "locked": True,
        "title": "A title",
    }
    second = finished(api, site, {"a.txt": b"second"})
    assert netlify.state.sites[site].published == first
    assert api.post(f"/deploys/{first}/unlock").status_code == 201
    third = finished(api, site, {"a.txt": b"third"})
    assert netlify.state.sites[site].published == third != second


def test_what_was_deleted_is_gone(api: httpx.Client, site: str, netlify: NetlifyStandIn) -> None:
    old, live = (finished(api, site, {"a.txt": text}) for text in (b"old", b"live"))
    assert api.delete(f"/deploys/{live}").status_code == 422
    assert api.delete(f"/deploys/{old}").status_code == 204
    assert api.get(f"/deploys/{old}").status_code == 404
    variable = {"key": "A", "values": [{"context": "all", "value": "a"}]}
    api.post("/accounts/acc-1/env", params={"site_id": site}, json=[variable])
    assert api.delete(f"/sites/{site}").status_code == 204
    for path in (f"/sites/{site}", f"/deploys/{live}", f"/sites/{site}/env", f"/sites/{site}/deploys"):
        assert api.get(path).status_code == 404
    assert api.delete(f"/sites/{site}").status_code == 404
    assert not netlify.state.environment


def test_a_deploy_belongs_to_its_site(api: httpx.Client, site: str) -> None:
    deploy = finished(api, site, {"a.txt": b"a"})
    other = made_site(api, "bea")
    assert api.get(f"/sites/{other}/deploys/{deploy}").status_code == 404
    assert api.put(f"/sites/{other}/deploys/{deploy}", json={}).status_code == 404
    assert api.post(f"/sites/{other}/deploys/{deploy}/restore").status_code == 404


def test_names_of_sites(api: httpx.Client, site: str) -> None:
    for name in ("ada", "ADA", "no_underscore", "ä", "x" * 64):
        assert api.post("/sites", json={"name": name}).status_code == 422
    assert api.post("/team-nine/sites", json={"name": "bea"}).status_code == 404
    assert api.get("/sites/ada.netlify.app").json()["id"] == site
    assert api.get("/sites/ada").status_code == 404
    assert [found["id"] for found in api.get("/sites", params={"name": "ada"}).json()] == [site]


def test_a_secret_is_never_read_again(api: httpx.Client, site: str, netlify: NetlifyStandIn) -> None:
    where = {"site_id": site}
    values = [{"context": "production", "value": "sk-one"}, {"context": "deploy-preview", "value": "sk-two"}]
    secret = {"key": "KEY", "is_secret": True, "scopes": ["functions"], "values": values}
    answers = [api.post("/accounts/acc-1/env", params=where, json=[secret])]
    assert answers[0].status_code == 201
    assert api.post("/accounts/acc-1/env", params=where, json=[secret]).status_code == 409
    value = {"context": "production", "value": "sk-three"}
    answers.append(api.patch("/accounts/team-one/env/KEY", params=where, json=value))
    answers += [
        api.get(path, params=where)
        for path in ("/accounts/acc-1/env", "/accounts/acc-1/env/KEY", f"/sites/{site}/env")
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 200, 200]
    assert all("KEY" in answer.text and "sk-" not in answer.text for answer in answers)
    found = netlify.state.sites[site]
    assert netlify.state.variables_of(found) == {"KEY": "sk-three"}
    assert netlify.state.variables_of(found, "deploy-preview") == {"KEY": "sk-two"}
    assert api.get("/accounts/acc-2/env", params=where).status_code == 404
    assert api.delete("/accounts/acc-1/env/KEY", params=where).status_code == 204
    assert api.put("/accounts/acc-1/env/KEY", params=where, json=secret).status_code == 404


@pytest.mark.parametrize(
    "key", ["AWS_REGION", "URL", "SITE_ID", "SITE_NAME", "BRANCH", "CONTEXT", "DEPLOY_ID"]
)
def test_reserved_names(key: str, api: httpx.Client, site: str) -> None:
    variable = {"key": key, "values": [{"context": "all", "value": "x"}]}
    assert api.post("/accounts/acc-1/env", params={"site_id": site}, json=[variable]).status_code == 422


def test_functions_keep_the_variables_of_their_deploy(
    api: httpx.Client, site: str, netlify: NetlifyStandIn
) -> None:
    def set_to(value: str) -> None:
        body = {"key": "WORD", "values": [{"context": "all", "value": value}]}
        answer = api.put("/accounts/acc-1/env/WORD", params={"site_id": site}, json=body)
        if answer.status_code == 404:
            api.post("/accounts/acc-1/env", params={"site_id": site}, json=[body])

    set_to("one")
    only_builds = {"key": "BUILD", "scopes": ["builds"], "values": [{"context": "all", "value": "x"}]}
    api.post("/accounts/acc-1/env", params={"site_id": site}, json=[only_builds])
    own = [{"key": "OWN", "value": "1", "is_secret": True, "scopes": ["functions"]}]
    first = netlify.state.deploys[finished(api, site, {"a": b"a"}, environment=own)]
    set_to("two")
    second = netlify.state.deploys[finished(api, site, {"a": b"a"})]
    assert netlify.edge.variables(first) == {"WORD": "one", "OWN": "1"}
    assert netlify.edge.variables(second) == {"WORD": "two"}


def test_too_large_an_environment_ends_a_deploy(api: httpx.Client, site: str) -> None:
    variable = {"key": "LONG", "values": [{"context": "all", "value": "x" * 4093}]}
    api.post("/accounts/acc-1/env", params={"site_id": site}, json=[variable])
    assert state(api, finished(api, site, {"a": b"a"})) == "ready"
    content = zipped()
    deploy = created(api, site, {}, functions={"agent": hashlib.sha256(content).hexdigest()})["id"]
    assert put_function(api, deploy, content).status_code == 200
    assert [state(api, deploy) for _ in range(2)] == ["processing", "error"]


def test_too_many_requests_are_told_when_to_come_back(api: httpx.Client, netlify: NetlifyStandIn) -> None:
    netlify.weather.limit = Limit(3, seconds=60)
    answers = [api.get("/user") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    ends = int(answers[-1].headers["X-RateLimit-Reset"])
    assert 0 < ends - time.time() <= 61
    netlify.weather.limit.ends = 0
    assert api.get("/user").status_code == 200


def test_troubles(api: httpx.Client, site: str, netlify: NetlifyStandIn) -> None:
    netlify.weather.reset_after = 30
    answered: tuple[Kind, ...] = ("429", "500", "502", "401")
    for kind in answered:
        netlify.weather.add(kind, "^GET .*/user$")
        answer = api.get("/user")
        assert answer.status_code == int(kind)
        assert ("html" in answer.headers["Content-Type"]) == (kind == "502")
        assert ("x-ratelimit-reset" in answer.headers) == (kind == "429")
    content = b"x" * 4_000_000
    deploy = created(api, site, {"a.bin": content})["id"]
    broken_off: tuple[Kind, ...] = ("reset", "cut", "lost")
    for kind in broken_off:
        netlify.weather.add(kind, "^PUT")
        with pytest.raises(httpx.TransportError):
            put(api, deploy, "a.bin", content)
        # Only the last request took effect.
        assert (sha1(content) in netlify.state.contents) == (kind == "lost")
