"""What a person does in a browser, and what happens meanwhile, chosen by chance."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import User
from builds.artifacts import retention
from builds.models import Build, BuildVerification, ChatMessage, MessageStatus
from builds.trial import chat
from builds.verification import lifecycle
from configs import trash
from configs.models import AgentConfig, ApiKey
from deployments.models import Deployment, Site
from tests.standins.netlify import NetlifyStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.server import Answer, Asked, StandIn, as_json

from . import workers
from .rows import UNDER_WAY, agents_of

# What is done, in words, and how.
Action = tuple[str, Callable[[], object]]


class OwnServer(StandIn):
    """A person's own server, on which the agent that was deployed last runs, or nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.content = ""

    def answer(self, asked: Asked) -> Answer:
        if self.content and asked.path == "/healthz":
            return as_json({"status": "ok"})
        if self.content and asked.path == "/agentforge.json":
            return as_json({"content": self.content})
        return Answer(404)


@dataclass
class Person:
    """Acts in turn on each agent; `did` says what was done, for whoever looks at a failure."""

    user: User
    client: Client
    chance: random.Random
    local: OpenAIStandIn
    openai: OpenAIStandIn
    server: OwnServer
    netlify: NetlifyStandIn
    builds: workers.BuildWorker
    did: list[str] = field(default_factory=list)

    def act(self, look: Callable[[], None]) -> None:
        """Do one thing; `look` is called in the middle of what takes time."""
        name, action = self.chance.choice(self.chance.choice(self._groups(look)))
        self.did.append(name)
        action()

    def _groups(self, look: Callable[[], None]) -> list[list[Action]]:
        """Return what can be done now, by what it is done to."""
        agents = agents_of(self.user)
        builds = Build.objects.owned_by(self.user).filter(revision__agent__in=agents).order_by("pk")
        sites = Site.objects.filter(owner=self.user, deleted_at=None, agent__in=agents).order_by("pk")
        deleted = [each.agent.pk for each in trash.contents(self.user)]
        groups: list[list[Action]] = [
            self._elsewhere(agents),
            *([action for agent in agents for action in self._on_agent(agent, look)] for _ in range(3)),
            *([action for build in builds for action in self._on_build(build)] for _ in range(3)),
            *([action for site in sites for action in self._on_site(site)] for _ in range(3)),
            [(f"restore {pk}", partial(self.post, f"/trash/{pk}/restore/")) for pk in deleted],
        ]
        return [group for group in groups if group]

    def _elsewhere(self, agents: list[AgentConfig]) -> list[Action]:
        actions: list[Action] = [
            ("the local model offers other models", self._change_models),
            ("OpenAI refuses the key, or takes it", self._change_mode),
            ("the own server starts or stops", self._change_server),
            ("Netlify fails what comes next, or not", self._change_netlify),
        ]
        if len(agents) < 3:
            actions.append(("new agent", self.create))
        keys = ApiKey.objects.filter(owner=self.user, provider="openai").order_by("pk")
        for key in keys:
            actions += [
                (f"test key {key.pk}", partial(self.post, f"/keys/{key.pk}/test/")),
                (f"remove key {key.pk}", partial(self.post, f"/keys/{key.pk}/remove/")),
            ]
        return actions if keys else [*actions, ("add a key", self.add_key)]

    def _on_agent(self, agent: AgentConfig, look: Callable[[], None]) -> list[Action]:
        at = f"/agents/{agent.pk}"
        actions: list[Action] = [
            (f"rename {agent.pk}", lambda: self.save(agent, "identity", name=self._name())),
            (f"save the tone of {agent.pk}", lambda: self.save(agent, "personality", tone=self._tone())),
            (
                f"save the rounds of {agent.pk}",
                lambda: self.save(agent, "capabilities", tool_rounds=self._few()),
            ),
            (f"save {agent.pk} as it is", lambda: self.save(agent, "capabilities")),
            (f"use the local model for {agent.pk}", lambda: self.use(agent, "local", "smollm2-135m")),
            (f"use OpenAI for {agent.pk}", lambda: self.use(agent, "openai", "gpt-x")),
            (f"check {agent.pk}", lambda: self._check(agent)),
            (f"look in the middle of a check of {agent.pk}", lambda: self.look_at_a_check(agent, look)),
            (f"queue a check of {agent.pk}", lambda: self.post(f"{at}/process/")),
            ("run the checks", workers.run_checks),
            (f"archive {agent.pk}", lambda: self.post(f"{at}/archive/")),
            (f"unarchive {agent.pk}", lambda: self.post(f"{at}/unarchive/")),
            (f"ask {agent.pk}", lambda: self.post(f"{at}/try/messages/", _QUESTION)),
            (f"delete {agent.pk}", lambda: self.post(f"{at}/delete/")),
            (f"ask the draft of {agent.pk}", lambda: self.post(f"{at}/draft/messages/", _QUESTION)),
            (f"choose a site for {agent.pk}", lambda: self._choose_site(agent)),
            (f"choose a site at Netlify for {agent.pk}", lambda: self.choose_netlify(agent)),
            *[(f"compile {agent.pk}", lambda: self._compile(agent))] * 4,
        ]
        for message in ChatMessage.objects.filter(agent=agent, status__in=("queued", "streaming")):
            actions += [(f"answer {message.pk}", partial(answer_next, message))] * 3
            place = "draft" if message.source == "draft" else "try"
            actions.append((f"stop {message.pk}", partial(self.post, f"{at}/{place}/stop/")))
        return actions

    def _on_build(self, build: Build) -> list[Action]:
        at = f"/builds/{build.pk}"
        if build.status in UNDER_WAY:
            more: list[Action] = [
                *[(f"go on with build {build.pk}", lambda: self._go_on(build, 1))] * 3,
                *[(f"go on with build {build.pk} for long", lambda: self._go_on(build, 30))] * 4,
                (f"cancel build {build.pk}", lambda: self.post(f"{at}/cancel/")),
            ]
            if build.status == "running" and self.builds.has(build):
                more.append((f"kill the worker of build {build.pk}", lambda: self.builds.kill(build)))
            return more
        open_ = build.verifications.filter(status__in=UNDER_WAY)
        verifying = [(f"go on verifying {build.pk}", partial(self.verify, row)) for row in open_] * 3
        return [
            *verifying,
            (f"verify {build.pk}", lambda: self.post(f"{at}/verify/")),
            (f"build {build.pk} again", lambda: self.post(f"{at}/retry/")),
            (f"expire build {build.pk}", lambda: retention.release(build.pk, timezone.now(), force=True)),
        ]

    def _on_site(self, site: Site) -> list[Action]:
        at, agent = f"/sites/{site.pk}", site.agent_id
        actions: list[Action] = [
            (f"refresh site {site.pk}", lambda: self.post(f"{at}/refresh/")),
            (f"lock site {site.pk}", lambda: self.post(f"{at}/lock/")),
            (f"unlock site {site.pk}", lambda: self.post(f"{at}/unlock/")),
            (f"give site {site.pk} an address", lambda: self._settings(site, self.server.origin)),
            (f"take the address of site {site.pk}", lambda: self._settings(site, "")),
            (f"delete site {site.pk}", lambda: self.post(f"{at}/delete/", {"name": site.name})),
            ("somebody deploys elsewhere", lambda: self.deploy_elsewhere(site)),
            *[(f"deploy {agent}", lambda: self._deploy(site))] * 4,
            (f"plan {agent}", lambda: self.post(f"/agents/{agent}/deploy/when-built/", _plan(site))),
            *[("run the deployments", workers.run_deployments)] * 2,
        ]
        for row in Deployment.objects.filter(site=site).order_by("pk"):
            pk = row.pk
            for name in ("cancel", "retry", "publish", "delete"):
                path = f"/deployments/{pk}/{name}/"
                actions.append((f"{name} deployment {pk}", partial(self.post, path)))
        return actions

    def post(self, path: str, sent: dict[str, Any] | None = None) -> int:
        """Send a form as a page does; what the forge refuses is no failure, but an error is."""
        response = self.client.post(path, sent or {})
        assert response.status_code < 500, (path, response.content.decode()[:500])
        self.did[-1:] = [f"{each} ({response.status_code})" for each in self.did[-1:]]
        return response.status_code

    def create(self) -> None:
        """Begin an agent as the page of new agents does."""
        sent = {"name": self._name(), "handle": "", "type": "analyst", "version": "1.0.0"}
        assert self.post("/agents/new/", sent) == 302

    def save(self, agent: AgentConfig, tab: str, **changes: object) -> None:
        """Save one tab with changes."""
        path = f"/agents/{agent.pk}/{tab}/"
        scripts = {"Accept": "application/json"}
        shown = self.client.get(path, headers=scripts).json()
        values = {name: value for name, value in shown.items() if name not in ("success", "errors")}
        sent = json.dumps({**values, **changes})
        response = self.client.post(path, sent, content_type="application/json", headers=scripts)
        assert response.status_code in (200, 409, 422), (
            response.status_code,
            response.content.decode()[:500],
        )
        self.did[-1] += f" ({response.status_code})"

    def use(self, agent: AgentConfig, provider: str, model: str) -> None:
        """Choose a provider and a model."""
        self.save(agent, "keys", provider=provider, model=model, api_key=None)

    def _check(self, agent: AgentConfig) -> None:
        self.post(f"/agents/{agent.pk}/process/")
        workers.run_checks()

    def look_at_a_check(self, agent: AgentConfig, look: Callable[[], None]) -> None:
        """Check an agent, and look, save and look again while its key is tested."""
        agent.refresh_from_db()
        self.post(f"/agents/{agent.pk}/process/")
        if agent.provider != "openai":
            return workers.run_checks()
        with workers.checks_held(self.openai):
            look()
            self.save(agent, "identity", name=self._name())
            look()
        return None

    def _compile(self, agent: AgentConfig) -> None:
        names = self.chance.choice([["plugin"], ["plugin", "linux-amd64"], ["plugin", "function"]])
        self.post(f"/agents/{agent.pk}/compile/", {"targets": names})

    def _go_on(self, build: Build, steps: int) -> None:
        for _ in range(steps):
            build.refresh_from_db()
            if build.status in UNDER_WAY:
                self.builds.advance(build)

    def _choose_site(self, agent: AgentConfig) -> None:
        site = {"name": f"site-{agent.pk}", "host": "self-hosted"}
        if self.post(f"/agents/{agent.pk}/deploy/sites/new/", site) == 302:
            self.post(f"/agents/{agent.pk}/deploy/settings/", {"access": "public"})

    def choose_netlify(self, agent: AgentConfig) -> None:
        at = f"/agents/{agent.pk}/deploy"
        self.post(f"{at}/connect/", {"token": self.netlify.token})
        site = {"name": f"remote-{agent.pk}", "team": "team-one", "host": "netlify"}
        if self.post(f"{at}/sites/new/", site) == 302:
            self.post(f"{at}/settings/", {"access": "public"})

    def deploy_elsewhere(self, site: Site) -> None:
        if site.host == "netlify":
            remote = self.netlify.state.sites[site.remote_id]
            deploy = self.netlify.state.add_deploy(remote, "by hand")
            deploy.state, remote.published = "ready", deploy.id
            self.post(f"/sites/{site.pk}/refresh/")

    def _change_netlify(self) -> None:
        self.netlify.fails_with = self.chance.choice(["", "", "The deploy was refused."])

    def verify(self, row: BuildVerification) -> None:
        """Begin a verification, or end it, as a worker does."""
        if row.status == "queued":
            lifecycle.claim(row.pk, row.job_id or 0)
        else:
            status = self.chance.choice(["same", "different", "failed"])
            lifecycle.finish(row.pk, row.job_id or 0, status, [] if status == "same" else ["It differs."])

    def _settings(self, site: Site, address: str) -> None:
        sent = {"access": "public", "own_address": address}
        self.post(f"/agents/{site.agent_id}/deploy/settings/", sent)

    def _deploy(self, site: Site) -> None:
        builds = Build.objects.filter(revision__agent=site.agent_id, status="succeeded").order_by("-pk")
        if build := builds.first():
            draft = {"draft": "on"} if self.chance.random() < 0.3 else {}
            self.post(f"/agents/{site.agent_id}/deploy/start/", {"build": build.pk, **draft})

    def add_key(self) -> None:
        """Store a key for OpenAI, which takes it unless its mode says otherwise."""
        self.post("/keys/add/openai/", {"key": self.openai.key, "name": "Default"})

    def _change_models(self) -> None:
        self.local.models = self.chance.choice([["smollm2-135m"], ["smollm2-135m", "b"], ["b"]])

    def _change_mode(self) -> None:
        self.openai.mode = self.chance.choice(["ok", "ok", "invalid", "rate_limited"])

    def _change_server(self) -> None:
        newest = Deployment.objects.filter(owner=self.user).exclude(content_sha256="").first()
        self.server.content = newest.content_sha256 if newest and not self.server.content else ""

    def _name(self) -> str:
        return self.chance.choice(["Ada", "Grace", "Hedy", "Mary & <b>"])

    def _tone(self) -> str:
        return self.chance.choice(["warm", "formal", "casual"])

    def _few(self) -> int:
        return self.chance.choice([3, 4, 5])


_QUESTION = {"content": "Who are you?"}


def _plan(site: Site) -> dict[str, Any]:
    return {"targets": ["plugin", "function"] if site.host == "netlify" else ["linux-amd64"]}


def answer_next(message: ChatMessage) -> None:
    """Begin an answer, or end it, as a worker does."""
    if message.status == "queued":
        chat.claim(message.pk, message.job_id or 0)
    else:
        chat.finish(message.pk, message.job_id, MessageStatus.DONE, content="I am.", event={"type": "done"})
