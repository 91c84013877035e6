"""One row of a user in each table that users have rows in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from agentforge.live.models import Chunk, Stream
from builds.models import (
    AnswerFiles,
    Artifact,
    Build,
    BuildTarget,
    BuildVerification,
    ChatImage,
    ChatMessage,
    Conversation,
    Evaluation,
    EvaluationRun,
)
from configs.models import AgentConfig, ApiKey, KnowledgeBlob, KnowledgeFile, ProcessRun, Revision
from deployments.models import Connection, Deployment, Site

EMPTY_DIGEST = hashlib.sha256(b"{}").hexdigest()


@dataclass
class Rows:
    agent: AgentConfig
    key: ApiKey
    revision: Revision
    build: Build
    site: Site


def rows_of(user: User) -> Rows:
    AuditEvent.objects.create(owner=user, action="signed-in")
    agent = AgentConfig.objects.create(owner=user, name="Ada", handle="ada")
    key = ApiKey.objects.create(owner=user, provider="openai", ciphertext=b"x")
    ProcessRun.objects.create(owner=user, agent=agent)
    KnowledgeFile.objects.create(owner=user, agent=agent, name="notes.md", sha256="1" * 64)
    KnowledgeBlob.objects.create(owner=user, agent=agent, sha256="1" * 64, content=b"x", size=1)
    revision = Revision.objects.create(
        owner=user, agent=agent, number=1, canonical_json="{}", sha256=EMPTY_DIGEST
    )
    build = Build.objects.create(owner=user, revision=revision)
    BuildTarget.objects.create(owner=user, build=build, target="plugin")
    BuildVerification.objects.create(owner=user, build=build)
    Artifact.objects.create(owner=user, build=build, name="agent.so", sha256="0" * 64, size=1)
    Conversation.objects.create(owner=user, agent=agent, title="hello")
    message = ChatMessage.objects.create(owner=user, agent=agent, build=build, role="user", content="hello")
    AnswerFiles.objects.create(owner=user, message=message, content=b"x")
    ChatImage.objects.create(owner=user, message=message, number=0, media_type="image/gif", content=b"x")
    Evaluation.objects.create(owner=user, agent=agent, cases="cases: []")
    EvaluationRun.objects.create(owner=user, agent=agent, build=build, subject="build 1", cases="", trials=1)
    stream = Stream.objects.create(name=f"build-{build.pk}", owner=user, last_seq=1)
    Chunk.objects.create(stream=stream, first_seq=1, last_seq=1, data="{}")
    Connection.objects.create(owner=user, host="netlify", key=key)
    site = Site.objects.create(owner=user, agent=agent, remote_id=str(user.pk), name="ada", url="")
    Deployment.objects.create(owner=user, site=site, build=build, revision=revision)
    return Rows(agent, key, revision, build, site)
