from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from requests.utils import parse_header_links

from agentforge.accounts.models import User
from configs.agent_list import PAGE_SIZE
from configs.models import AgentConfig
from configs.services import create_agent


def test_a_script_finds_every_agent_by_the_links(alice: User, client_of: Callable[[User], Client]) -> None:
    for number in range(PAGE_SIZE + 1):
        name = f"Ada {number:02}"
        create_agent(AgentConfig(owner=alice, name=name, handle=f"ada-{number}", provider="local", model="m"))
    client, names, links = client_of(alice), [], []
    address = "/agents/?sort=name"
    while address:
        response = client.get(address, headers={"accept": "application/json"})
        names += [agent["name"] for agent in response.json()["agents"]]
        beside = {link["rel"]: link["url"] for link in parse_header_links(response.headers.get("Link", ""))}
        links.append(set(beside))
        address = beside.get("next", "").removeprefix("http://testserver")
    assert names == [f"Ada {number:02}" for number in range(PAGE_SIZE + 1)]
    assert links == [{"next"}, {"prev"}]
