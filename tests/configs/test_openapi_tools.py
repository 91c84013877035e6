"""Operations of HTTP APIs, chosen from their OpenAPI documents: 3.0 to 3.2, JSON and YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from configs.documents.document import parse
from configs.documents.export import export
from configs.keys.service_keys import service_key
from configs.models import AgentConfig
from configs.revisions import configuration, draft_json
from tests.standins.server import Answer, Asked, StandIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_tools")]
SECRET = "api-key-0123456789abcdef"
JSON = {"accept": "application/json"}
_PET = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "nullable": True, "example": "Rex"},
        "weight": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        "mother": {"$ref": "#/components/schemas/Pet"},
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Pet shop", "version": "1"},
    "servers": [{"url": "/v{version}", "variables": {"version": {"default": "2"}}}],
    "components": {
        "schemas": {"Pet": _PET},
        "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
    },
    "paths": {
        "/pets": {
            "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
            "get": {
                "operationId": "listPets",
                "summary": "List pets.",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 10}},
                    {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                    {"name": "theme", "in": "cookie", "schema": {"type": "string"}},
                ],
            },
            "post": {
                "operationId": "list.Pets",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                },
            },
        },
        "/pets/{id}": {
            "parameters": [{"$ref": "#/components/parameters/Id"}],
            "get": {"parameters": [{"name": "id", "in": "query", "schema": {"type": "string"}}]},
            "delete": {"operationId": "deletePet", "description": "Delete a pet."},
        },
        "/upload": {
            "post": {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {}}}}}
        },
        "/missing/{what}": {"get": {"operationId": "missing"}},
        "/session": {"get": {"parameters": [{"name": "sid", "in": "cookie", "required": True}]}},
        "/broken": {"get": {"parameters": [{"$ref": "other.json#/x"}]}},
    },
}


class DocumentServer(StandIn):
    """Serves an OpenAPI document."""

    text = json.dumps(DOCUMENT)

    def answer(self, asked: Asked) -> Answer:
        return Answer(200, self.text.encode()) if asked.path == "/docs/openapi.json" else Answer(404)


@pytest.fixture
def server(settings: Settings) -> Iterator[DocumentServer]:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with DocumentServer() as standin:
        yield standin


def _read(browser: Client, agent: AgentConfig, **data: Any) -> Any:
    return browser.post(f"/agents/{agent.pk}/services/api/", {"name": "pets", **data}, headers=JSON)


def _operations(response: Any) -> dict[str, dict[str, Any]]:
    assert response.status_code == 200, response.content
    return {each["name"]: each for each in response.json()["operations"]}


def test_each_operation_becomes_a_tool_or_says_why_not(
    browser: Client, agent: AgentConfig, server: DocumentServer
) -> None:
    response = _read(browser, agent, address=f"{server.origin}/docs/openapi.json")
    found = _operations(response)
    assert response.json()["url"] == f"{server.origin}/v2"
    assert (response.json()["auth"], response.json()["auth_name"]) == ("header", "X-API-Key")
    listed = found["GET /pets"]
    assert (listed["function"], listed["description"], listed["reads"]) == (
        "api_pets_listPets",
        "List pets.",
        True,
    )
    assert listed["schema"] == {
        "type": "object",
        "properties": {"limit": {"type": "integer", "maximum": 10}, "filter": {"type": "object"}},
        "additionalProperties": False,
    }
    assert [(each["argument"], each["style"], each.get("explode")) for each in listed["parameters"]] == [
        ("limit", "form", True),
        ("filter", "deepObject", True),
    ]
    added = found["POST /pets"]
    assert added["function"].startswith("api_pets_list_Pets") and "reads" not in added
    body = added["schema"]["properties"]["body"]
    assert (body["required"], added["schema"]["required"]) == (["name"], ["body"])
    assert body["properties"]["name"] == {"type": ["string", "null"]}
    assert body["properties"]["weight"] == {"type": "number", "exclusiveMinimum": 0}
    assert "id" not in body["properties"]
    assert json.dumps(body).count("mother") <= 4
    assert [each["argument"] for each in found["GET /pets/{id}"]["parameters"]] == ["id", "id_query"]
    reasons = {name: each["reason"] for name, each in found.items() if each["state"] == "refused"}
    assert {name: word in reasons[name] for name, word in {
        "POST /upload": "multipart/form-data",
        "GET /missing/{what}": "wants what",
        "GET /session": "cookie",
        "GET /broken": "described elsewhere",
    }.items()} == dict.fromkeys(reasons, True)  # fmt: skip


def test_what_is_chosen_reaches_agent_json(
    browser: Client, agent: AgentConfig, server: DocumentServer
) -> None:
    upload = SimpleUploadedFile("pets.yaml", yaml.safe_dump(DOCUMENT).encode())
    url = f"{server.origin}/v2"
    response = _read(browser, agent, file=upload, url=url, auth="query", auth_name="key", key=SECRET)
    extra = ("state", "hints", "reason")
    offered = [
        {key: value for key, value in each.items() if key not in extra}
        for each in _operations(response).values()
        if each["state"] != "refused"
    ]
    data = {"tool": "api", "name": "pets", "url": url, "auth": "query", "auth_name": "key"}
    chosen = {
        "offered": json.dumps(offered),
        "chosen": ["GET /pets", "DELETE /pets/{id}"],
        "reads": ["GET /pets"],
    }
    saved = browser.post(f"/agents/{agent.pk}/services/save/", {**data, **chosen}, headers=JSON)
    assert saved.status_code == 200, saved.content
    agent.refresh_from_db()
    assert agent.tools == ["api"]
    [entry] = configuration(agent)["capabilities"]["tool_settings"]["api"]["services"]
    assert (entry["auth"], [part["function"] for part in entry["operations"]]) == (
        {"kind": "query", "name": "key"},
        ["api_pets_listPets", "api_pets_deletePet"],
    )
    assert [part.get("reads") for part in entry["operations"]] == [True, None]
    assert parse(export(agent)).values["tool_settings"] == agent.tool_settings
    assert SECRET not in draft_json(agent)
    assert service_key(agent.owner_id, url) is not None
    again = _operations(_read(browser, agent, document=json.dumps(DOCUMENT), url=url))
    assert [again[name]["state"] for name in ("GET /pets", "POST /pets", "DELETE /pets/{id}")] == [
        "chosen",
        "new",
        "chosen",
    ]
    page = browser.get(f"/agents/{agent.pk}/services/").content.decode()
    assert "pets" in page and SECRET not in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "document's address, or the document"),
        ({"document": "swagger: '2.0'"}, "Swagger 2.0"),
        ({"document": "openapi: 4.0"}, "not an OpenAPI 3"),
        ({"document": "[1]"}, "not an OpenAPI"),
        ({"document": "{"}, "neither JSON nor YAML"),
        ({"document": "a: &a [1]\nopenapi: *a"}, "neither JSON nor YAML"),
        ({"document": "openapi: 3.1.0\npaths: {}"}, "service's address"),
        ({"address": "http://10.0.0.1/openapi.json"}, "private address"),
        ({"address": "file:///etc/passwd"}, "http"),
        ({"document": "openapi: 3.1.0", "url": "http://example.org", "key": SECRET}, "https only"),
    ],
)
def test_what_is_refused(browser: Client, agent: AgentConfig, data: dict[str, str], words: str) -> None:
    response = _read(browser, agent, **data)
    assert response.status_code == 422, response.content
    assert words in str(response.json()["errors"])
    assert service_key(agent.owner_id, "http://example.org") is None


@pytest.mark.parametrize(
    "change",
    [
        {"method": "CONNECT"},
        {"path": "pets"},
        {"path": "/pets?x=1"},
        {"parameters": [{"name": "Host", "in": "header", "argument": "h", "style": "simple"}]},
        {"parameters": [{"name": "a\r\nb", "in": "header", "argument": "h", "style": "simple"}]},
        {"parameters": [{"name": "a", "in": "cookie", "argument": "h", "style": "form"}]},
        {"body": "xml"},
        {"function": "mcp_x"},
    ],
)
def test_a_document_of_ours_is_held_to_the_same(
    browser: Client, agent: AgentConfig, change: dict[str, Any]
) -> None:
    part = {"method": "GET", "path": "/pets", "schema": {"type": "object"}, **change}
    services = [{"name": "a", "url": "https://example.org", "operations": [part]}]
    sent = {"tools": ["api"], "tool_settings": {"api": {"services": services}}}
    response = browser.post(
        f"/agents/{agent.pk}/capabilities/", json.dumps(sent), content_type="application/json", headers=JSON
    )
    assert response.status_code == 422, response.content
