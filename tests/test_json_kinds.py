"""Values of JSON bodies that are of another kind than their field are refused by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from agentforge.accounts.models import User
from builds.models import ChatMessage
from configs.models import AgentConfig
from configs.services import create_agent

TEXT, CHOICE = "must be text", "must be one of the choices"


@pytest.mark.parametrize("wrong", [["x"], {"a": "x"}, True])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("draft/messages/", {"content": TEXT}),
        ("evaluation/", {"cases": TEXT, "gate": CHOICE}),
        ("evaluation/start/", {"against": TEXT}),
        ("deploy/settings/", {"greeting": TEXT}),
        ("../import/", {"document": TEXT}),
        ("../../accounts/tokens/", {"name": TEXT, "days": CHOICE}),
    ],
)
def test_a_list_an_object_and_a_boolean_are_no_text(
    wrong: Any, path: str, fields: dict[str, str], alice: User, client_of: Callable[[User], Client]
) -> None:
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", provider="local", model="m"))
    for name, message in fields.items():
        response = send(client_of(alice), agent, path, {name: wrong})
        assert response.status_code == 422, response.content
        assert response.json()["errors"][name] == [message]
    assert not ChatMessage.objects.exists()


def send(client: Client, agent: AgentConfig, path: str, body: dict[str, Any]) -> Any:
    """Post JSON to a URL relative to an agent's."""
    parts = f"agents/{agent.pk}/{path}".split("/")
    while ".." in parts:
        at = parts.index("..")
        del parts[at - 1 : at + 1]
    headers = {"Accept": "application/json"}
    return client.post("/" + "/".join(parts), body, content_type="application/json", headers=headers)
