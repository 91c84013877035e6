"""Ask every operation of the document for what the document allows and for what it does not.

Schemathesis makes the requests. They go through the whole stack of middleware in this process, each in a
transaction that is rolled back, so that a deleted agent is there for the next one.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from django.conf import LazySettings
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, assume, given
from hypothesis import settings as examples
from schemathesis import GenerationMode, checks

from agentforge.accounts.models import User
from agentforge.openapi.document import document
from builds.services import enqueue_build
from configs.keys.vault import save_key
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from tests.drivers import people

pytestmark = pytest.mark.django_db
CLOSED_PORT = "http://127.0.0.1:9/v1"
# Streams do not go through Django; tests/live asks them.
ELSEWHERE = ("/live/",)
checks.load_all_checks()
CHECKS = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
        "negative_data_rejection",
        "positive_data_acceptance",
        "unsupported_method",
        "allow_header_conformance",
    )
]


def questions() -> list[Any]:
    """Return every operation, to be asked rightly and, where something can be wrong, wrongly."""
    # 422 too: forms know more than a schema can say, such as which passwords are too common.
    accepted = {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "401", "404", "409", "422"]}}
    config = schemathesis.Config.from_dict({"checks": accepted})
    schema = schemathesis.openapi.from_dict(document(), config=config)
    results: Any = schema.get_all_operations()
    matches = [result.ok() for result in results]
    return [
        pytest.param(operation, mode, id=f"{operation.label} {word}")
        for operation in matches
        if operation.path not in ELSEWHERE
        for mode, word in ((GenerationMode.POSITIVE, "rightly"), (GenerationMode.NEGATIVE, "wrongly"))
        if mode == GenerationMode.POSITIVE or list(operation.iter_parameters()) or list(operation.body)
    ]


@pytest.fixture
def places(alice: User, settings: LazySettings) -> dict[str, int]:
    """Alice's things, by where their addresses begin."""
    settings.AGENTFORGE_OPENAI_URL = settings.AGENTFORGE_ANTHROPIC_URL = CLOSED_PORT
    settings.LOCAL_MODEL_URL = CLOSED_PORT
    settings.RATE_LIMITS = {}
    values = {**PRESET_VALUES["balanced"], "provider": "local", "model": "m"}
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))
    key = save_key(alice, "openai", "sk-a-key-of-alices-0001")
    build = enqueue_build(agent, by=alice)
    return {"agents": agent.pk, "builds": build.pk, "keys": key.pk}


@pytest.mark.parametrize(("operation", "mode"), questions())
def test_answers_are_those_of_the_document(
    operation: Any, mode: GenerationMode, places: dict[str, int], alice: User
) -> None:
    bearer = people.bearer_of(alice)
    hers = places.get(operation.path.split("/")[1])
    known = {parameter.name for parameter in operation.iter_parameters() if parameter.location == "query"}

    @examples(
        max_examples=6 if mode == GenerationMode.POSITIVE else 5,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        # Unknown parameters are ignored, as everywhere on the web.
        assume(set(case.query) <= known)
        pk = case.path_parameters.get("pk")
        if hers is not None and isinstance(pk, int) and pk >= 0:
            case.path_parameters["pk"] = hers
        prepared = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
        # A wrong question may be wrong by its missing token.
        is_signed = mode == GenerationMode.POSITIVE or "Authorization" in prepared.headers
        response = answer_to(prepared, bearer if is_signed else "")
        case.validate_response(response, checks=CHECKS)

    ask()


def test_signing_up_and_in_answers_as_described() -> None:
    schema = schemathesis.openapi.from_dict(document())
    body: Any = {"email": "ada@example.com", "password": "correct horse battery"}
    client, script = Client(), {"Accept": "application/json"}
    for path in ("/sign-up/", "/sign-in/"):
        case: Any = schema[path]["POST"].Case(body=body, media_type="application/json")
        prepared = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
        got = client.post(path, body, content_type="application/json", headers=script)
        assert got.json()["detail"]
        assert got.json()["tokens"]
        case.validate_response(_response(got, got.content, prepared), checks=CHECKS)


def _response(got: Any, content: bytes, prepared: requests.PreparedRequest) -> schemathesis.Response:
    sent = {name: [value] for name, value in got.headers.items()}
    return schemathesis.Response(got.status_code, sent, content, prepared, elapsed=0, verify=False)


def answer_to(prepared: requests.PreparedRequest, bearer: str) -> schemathesis.Response:
    """Return what this site answers to a request, as if it had come over a socket."""
    client = Client(raise_request_exception=False)
    headers: dict[str, Any] = {**prepared.headers, "Accept": "application/json", "Authorization": bearer}
    content_type = headers.pop("Content-Type", "application/json")
    # Nothing on this way undoes a compression.
    headers.pop("Accept-Encoding", None)
    body = prepared.body or b""
    with transaction.atomic():
        got = client.generic(
            str(prepared.method), prepared.path_url, body, content_type=content_type, headers=headers
        )
        content = b"".join(got)
        transaction.set_rollback(True)
    return _response(got, content, prepared)
