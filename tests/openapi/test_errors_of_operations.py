"""Every operation asks a stranger to sign in, names its methods, and refuses a wrong query."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User
from agentforge.openapi.document import document
from builds.services import enqueue_build
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from tests.drivers import people

from .test_every_operation import ELSEWHERE

pytestmark = pytest.mark.django_db
PROTECTED = [
    (path, method)
    for path, methods in document()["paths"].items()
    for method, described in methods.items()
    if "security" not in described and path not in ELSEWHERE
]


def _address(path: str) -> str:
    """Return an address of the kind; what is at it does not matter."""
    address = path
    for parameter in next(iter(document()["paths"][path].values()))["parameters"]:
        schema = parameter["schema"]
        value = str(UUID(int=1)) if schema.get("format") == "uuid" else "1"
        address = address.replace(f"{{{parameter['name']}}}", value)
    return address


@pytest.mark.parametrize(("path", "method"), PROTECTED)
@pytest.mark.parametrize("token", ["", "Bearer nonsense"])
def test_a_script_without_a_valid_token_is_asked_to_sign_in(path: str, method: str, token: str) -> None:
    """Not told about CSRF, which concerns sessions of browsers."""
    client = Client(enforce_csrf_checks=True)
    headers = {"Accept": "application/json", **({"Authorization": token} if token else {})}
    answer = client.generic(method.upper(), _address(path), b"{}", "application/json", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", sorted({path for path in document()["paths"] if path not in ELSEWHERE}))
def test_a_wrong_method_is_told_the_right_ones(path: str, alice: User) -> None:
    answer = Client().generic(
        "PATCH",
        _address(path),
        headers={"Accept": "application/json", "Authorization": people.bearer_of(alice)},
    )
    assert answer.status_code == 405
    assert answer["Allow"] == _allowed(path)


@pytest.mark.parametrize(
    "path",
    sorted(path for path, methods in document()["paths"].items() if "get" not in methods),
)
def test_a_page_for_people_is_no_answer_to_a_script(path: str, alice: User) -> None:
    headers = {"Accept": "application/json", "Authorization": people.bearer_of(alice)}
    answer = Client().get(_address(path), headers=headers)
    assert (answer.status_code, answer["Allow"]) == (405, _allowed(path))
    assert answer["Content-Type"] == "application/problem+json"


def _allowed(path: str) -> str:
    described = [method.upper() for method in document()["paths"][path]]
    return ", ".join(sorted([*described, *(["HEAD"] if "GET" in described else [])]))


def test_every_operation_says_that_there_may_be_too_many() -> None:
    untold = [
        (path, method)
        for path, methods in document()["paths"].items()
        for method, described in methods.items()
        if "429" not in described["responses"]
    ]
    assert untold == []


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-up/"])
@pytest.mark.parametrize("body", [b"", b"email=a"])
def test_whoever_is_signed_in_is_told_what_is_missing(path: str, body: bytes, alice: User) -> None:
    """Not led to a page, which would be taken for tokens."""
    headers = {"Accept": "application/json", "Authorization": people.bearer_of(alice)}
    answer = Client().generic("POST", path, body, "application/x-www-form-urlencoded", headers=headers)
    assert answer.status_code == 422
    assert "password" in answer.json()["errors"]


def test_a_body_is_required_where_a_field_of_it_is() -> None:
    for path, methods in document()["paths"].items():
        for described in methods.values():
            if body := described.get("requestBody"):
                schema = body["content"]["application/json"]["schema"]
                needed = [bool(each.get("required")) for each in schema.get("anyOf", [schema])]
                assert body["required"] == all(needed), path


def _with_query(kind: str, name: str = "") -> list[tuple[str, str]]:
    """Return the paths of lists and the like, with their query parameters of a type."""
    return [
        (path, parameter["name"])
        for path, methods in document()["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", [])
        if parameter["in"] == "query" and parameter["schema"].get("type") == kind
        if name in ("", parameter["name"]) and path not in ELSEWHERE
    ]


@pytest.fixture
def hers(alice: User, settings: LazySettings) -> dict[str, int]:
    """The ids of alice's agent and build, by where addresses begin."""
    settings.LOCAL_MODEL = True
    values: dict[str, Any] = {**PRESET_VALUES["balanced"], "provider": "local", "model": "m"}
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))
    return {"agents": agent.pk, "builds": enqueue_build(agent, by=alice).pk}


def _of_hers(path: str, hers: dict[str, int]) -> str:
    return path.replace("{pk}", str(hers.get(path.split("/")[1], 1)))


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=1.5", "page=99999999999999999999"])
@pytest.mark.parametrize("path", [path for path, _ in _with_query("integer", "page")])
def test_a_wrong_page_is_refused(path: str, query: str, hers: dict[str, int], alice: User) -> None:
    path = _of_hers(path, hers)
    bearer = people.bearer_of(alice)
    script = {"Accept": "application/json", "Authorization": bearer}
    answer = Client().get(f"{path}?{query}", headers=script)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["page"])
    assert Client().get(f"{path}?{query}", headers={"Authorization": bearer}).status_code == 200


@pytest.mark.parametrize("value", ["null", "2", "yes%20no", "%00"])
@pytest.mark.parametrize(("path", "name"), _with_query("boolean"))
def test_a_wrong_flag_is_refused(path: str, name: str, value: str, hers: dict[str, int], alice: User) -> None:
    script = {"Accept": "application/json", "Authorization": people.bearer_of(alice)}
    address = _of_hers(path, hers)
    answer = Client().get(f"{address}?{name}={value}", headers=script)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [name])
    for right in ("true", "false", ""):
        assert Client().get(f"{address}?{name}={right}", headers=script).status_code == 200


@pytest.mark.parametrize("q", ["x" * 101, "a%00b"])
def test_a_wrong_search_is_refused(q: str, alice: User) -> None:
    script = {"Accept": "application/json", "Authorization": people.bearer_of(alice)}
    answer = Client().get(f"/agents/?q={q}", headers=script)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["q"])
