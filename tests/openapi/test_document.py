"""The document leaves nothing out, and says what the forms say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from agentforge.openapi.document import document, named_urls
from agentforge.openapi.operations import NAMED

# What scripts have no use for: pages around a browser's session, and what is told apart from JSON on purpose.
FOR_BROWSERS = {
    "livez": "plain text, for whatever watches the server",
    "healthz": "plain text, for whatever watches the server",
    "readyz": "for whatever watches the server",
    "workers_readyz": "for whatever watches the server",
    "queue_readyz": "for whatever watches the server",
    "metrics": "Prometheus' text, for whatever watches the server",
    "openapi": "the document itself",
    "builds:webhook": "for builders, by signed messages: docs/builder.md",
    "configs:home": "the page that visitors see first",
    "configs:services": "what GET of Capabilities says, for people",
    "accounts:account": "a page of links",
    "accounts:theme": "of a browser's pages",
    "accounts:guest": "a visit in a browser",
    "accounts:confirm": "where a mail's link leads",
    "accounts:email_confirm": "where a mail's link leads",
    "accounts:reset": "where a mail's link leads",
    "accounts:callback": "where a provider's sign-in comes back to",
    "accounts:provider": "leads to a provider's page",
    "accounts:identity_link": "leads to a provider's page",
    "deployments:authorize": "leads to Netlify's page; scripts connect with a token",
    "deployments:authorized": "where Netlify's page comes back to",
    "accounts:second_factor_enrol": "shows a picture for a phone",
    "accounts:second_factor_remove": "of a browser's page",
}


def test_every_url_is_described_or_for_browsers_alone() -> None:
    document()
    urls = {name: view for name, _, view in named_urls(get_resolver())}
    assert set(urls) - set(NAMED) == set(FOR_BROWSERS)
    assert set(NAMED) - set(urls) == set()
    assert not [name for name in FOR_BROWSERS if hasattr(urls[name], "speaks_json")]


def test_every_method_is_one_that_the_view_takes(client: Client) -> None:
    for path, methods in document()["paths"].items():
        assert set(methods) <= {"get", "post"}, path


@pytest.mark.django_db
def test_it_is_served_to_everybody(client: Client) -> None:
    response = client.get("/openapi.json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json() == json.loads(json.dumps(document()))
    assert response.json()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_bodies_say_what_the_forms_say() -> None:
    identity = body("/agents/new/")
    assert identity["required"] == ["name"]
    name = identity["properties"]["name"]
    assert (name["type"], name["minLength"], name["maxLength"]) == ("string", 3, 100)
    assert "assistant" in identity["properties"]["type"]["enum"]
    assert re.search(identity["properties"]["handle"]["pattern"], "my-agent")
    assert not re.search(identity["properties"]["handle"]["pattern"], "My Agent")
    assert body("/agents/{pk}/try/messages/")["required"] == ["content"]
    assert "required" not in body("/agents/{pk}/capabilities/")
    limits = body("/agents/{pk}/capabilities/")["properties"]["time_limit_seconds"]
    assert (limits["type"], limits["minimum"], limits["maximum"]) == ("integer", 5, 300)


@pytest.mark.parametrize("path", ["/agents/{pk}/compile/", "/builds/{pk}/retry/", "/keys/{pk}/test/"])
def test_limits_are_told(path: str) -> None:
    assert "Retry-After" in document()["paths"][path]["post"]["responses"]["429"]["headers"]


def body(path: str) -> Any:
    return document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]


def enumerations(value: Any) -> list[Any]:
    """Return all lists of allowed values in a document."""
    if isinstance(value, list):
        return [found for each in value for found in enumerations(each)]
    if not isinstance(value, dict):
        return []
    own = [value["enum"]] if isinstance(value.get("enum"), list) else []
    return own + [found for each in value.values() for found in enumerations(each)]


def test_every_list_of_allowed_values_allows_some() -> None:
    found = enumerations(document())
    assert len(found) > 20
    assert [] not in found
    assert [""] not in found
