from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts import roles
from agentforge.accounts.models import Role, User
from agentforge.audit.models import AuditEvent
from agentforge.live import streams
from builds.models import Artifact, Build
from builds.services import enqueue_build
from configs.keys.vault import save_key
from configs.models import AgentConfig, ApiKey
from configs.services import create_agent
from deployments.models import Connection, Deployment, Site
from tests.drivers import people

SECRET = "sk-planted-0123456789abcdef"


@pytest.fixture
def vera(db: None) -> User:
    """Views the administration."""
    user = people.make_user("vera")
    roles.assign(user, Role.VIEWER)
    return user


@pytest.fixture
def operator(client_of: Callable[[User], Client], olga: User) -> Client:
    return client_of(olga)


@pytest.fixture
def viewer(client_of: Callable[[User], Client], vera: User) -> Client:
    return client_of(vera)


@dataclass
class Hers:
    """Name a row of each kind that alice owns, and the log's event of the first."""

    agent: AgentConfig
    key: ApiKey
    build: Build
    file: Artifact
    event: AuditEvent
    connection: Connection
    site: Site
    deployment: Deployment


@pytest.fixture
def hers(alice: User, settings: LazySettings) -> Hers:
    settings.AGENTFORGE_OPENAI_URL = "http://127.0.0.1:9/v1"
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", provider="openai", model="m"))
    key = save_key(alice, "openai", SECRET)
    build = enqueue_build(agent, by=alice)
    streams.publish(build.stream_name, {"kind": "line", "stream": "out", "text": "hello from the compiler"})
    event = AuditEvent.objects.latest("pk")
    file = Artifact.objects.create(owner=alice, build=build, name="SHA256SUMS", sha256="0" * 64, size=4)
    token = save_key(alice, "netlify", SECRET)
    connection = Connection.objects.create(owner=alice, host="netlify", key=token, who="Ada Lovelace")
    site = Site.objects.create(owner=alice, agent=agent, remote_id="s", name="s", url="https://s.example")
    deployment = Deployment.objects.create(owner=alice, site=site, build=build, revision=build.revision)
    return Hers(agent, key, build, file, event, connection, site, deployment)
