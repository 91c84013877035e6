"""Every operation asks a stranger to sign in, names its methods, and refuses a wrong query."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client

from agentforge.accounts.models import User
from agentforge.openapi.document import document
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
    described = {method.upper() for method in document()["paths"][path]}
    allowed = set(answer["Allow"].split(", "))
    assert answer.status_code == 405
    assert described | ({"HEAD"} if "GET" in described else set()) <= allowed <= {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=1.5", "page=99999999999999999999"])
@pytest.mark.parametrize("path", ["/agents/", "/builds/", "/deployments/", "/activity/"])
def test_a_wrong_page_is_refused(path: str, query: str, alice: User) -> None:
    bearer = people.bearer_of(alice)
    script = {"Accept": "application/json", "Authorization": bearer}
    answer = Client().get(f"{path}?{query}", headers=script)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["page"])
    assert Client().get(f"{path}?{query}", headers={"Authorization": bearer}).status_code == 200


@pytest.mark.parametrize("q", ["x" * 101, "a%00b"])
def test_a_wrong_search_is_refused(q: str, alice: User) -> None:
    script = {"Accept": "application/json", "Authorization": people.bearer_of(alice)}
    answer = Client().get(f"/agents/?q={q}", headers=script)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["q"])
