"""A random walk through the product: after each step every page is compared with the database.

And every page that was open before the step: where it shows something else now, it must have been told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from agentforge.live import streams
from agentforge.live.log import StreamMissing
from agentforge.live.models import Stream
from builds.models import Build, ChatMessage
from builds.trial.conversations import messages_of
from configs import trash
from deployments.models import Deployment
from tests.drivers.html_tree import Element, read_html

from . import screens
from .person import Person
from .rows import TABS, UNDER_WAY, Memory, Standing, agents_of, standing_of


def kinds_read_again() -> set[str]:
    """Return the records after which an open page is read again."""
    script = (Path(settings.BASE_DIR) / "static/js/parts.js").read_text()
    found = re.search(r"const KINDS = \[(.*)\];", script)
    assert found is not None
    return {*re.findall(r'"(\w+)"', found[1]), "process", "chat", "account"}


@dataclass(frozen=True)
class Open:
    """A page in some window: what its parts show, and around them, and from where it follows streams."""

    parts: dict[str, str]
    around: str
    positions: dict[str, int]

    @classmethod
    def of(cls, page: Element, before: Open | None) -> Open:
        """Read a page's parts and its channels; a page that was open `before` has only its parts renewed."""
        # Whether Go is ready is asked for every few seconds: it is the machine's.
        named = [part for part in page.with_attribute("data-part") if part["data-part"] != "go"]
        # One with a shape keeps itself up until it has another one.
        parts = {part["data-part"]: part["data-shape"] or _shown(part) for part in named}
        parts["title"], parts["icon"] = (
            page.first("title").text,
            page.first("link", rel="icon")["data-favicon"],
        )
        positions: dict[str, int] = {}
        for element in page.with_attribute("data-live"):
            is_renewed = element.is_inside("data-part")
            for token in element["data-live"].split():
                name, _, seq = token.partition(":")
                if not is_renewed and before is not None and name not in before.positions:
                    continue
                positions[name] = min(positions.get(name, int(seq)), int(seq))
        return cls(parts, " ".join("".join(_around(page.first("main"))).split()), positions)


def _shown(part: Element) -> str:
    # How long ago something was passes without an event, and Go's readiness (a message) is the machine's; a
    # queue's estimate has records of its own.
    texts = "".join(_texts(part))
    return " ".join(f"{'hidden' if 'hidden' in part else ''} {texts}".split())


def _texts(part: Element) -> Iterator[str]:
    for child in part.children:
        if isinstance(child, str):
            yield child
        elif not any(name in child for name in ("data-time", "data-elapsed", "data-queue", "data-level")):
            yield f"[{child['data-state']}]" if "data-state" in child else ""
            yield from _texts(child)


def _around(element: Element) -> Iterator[str]:
    """Yield the texts outside of parts; forms, chats, logs and previews keep themselves up."""
    for child in element.children:
        if isinstance(child, str):
            yield child
        elif child.tag not in ("form", "noscript") and not any(name in child for name in _KEPT):
            yield from _around(child)


_KEPT = (
    *("data-part", "data-chat", "data-chat-acts", "data-log", "data-preview", "data-steps"),
    *("data-time", "data-elapsed", "data-level"),
)


@dataclass
class Walk:
    """Takes steps as a person, and collects what was untrue after each."""

    person: Person
    thorough: bool = False
    memory: Memory = field(default_factory=Memory)
    untrue: list[str] = field(default_factory=list)
    _before: dict[str, Open] = field(default_factory=dict)
    _open: dict[str, Open] = field(default_factory=dict)
    _kinds: set[str] = field(default_factory=kinds_read_again)

    def step(self) -> None:
        """Do one thing, then look at everything."""
        self.person.act(self.look)
        self.look()

    def look(self) -> None:
        """Compare every page with the rows."""
        agents = agents_of(self.person.user)
        standings = {agent.pk: standing_of(agent, self.memory) for agent in agents}
        builds = list(Build.objects.owned_by(self.person.user).filter(revision__agent__in=agents))
        deployments = list(
            Deployment.objects.filter(site__agent__in=agents).select_related("site__agent", "revision")
        )
        self._before, self._open = self._open, {}
        self._lists(standings, builds, deployments)
        self._search(builds, deployments)
        for standing in standings.values():
            self._agent(standing)
        for build in builds:
            self._build(build, standings[build.revision.agent_id])
        for row in deployments:
            path = f"/deployments/{row.pk}/"
            self._compare(path, screens.deployment_page(self._read(path), row, _live_word(row)))
        for path, page in self._open.items():
            if path in self._before:
                self._compare(path, self._news(self._before[path], page))

    def _read(self, path: str) -> Element:
        response = self.person.client.get(path)
        assert response.status_code == 200, (path, response.status_code)
        page = read_html(response.content.decode())
        self._open[path] = Open.of(page, self._before.get(path))
        busy = Build.objects.owned_by(self.person.user).filter(
            status__in=UNDER_WAY, revision__agent__trashed_at=None
        )
        self._compare(path, screens.header(page, busy.count()))
        self._compare(path, screens.states_are_live(page))
        return page

    def _json(self, path: str) -> Any:
        return self.person.client.get(path, HTTP_ACCEPT="application/json").json()

    def _compare(self, path: str, untruths: Iterator[str]) -> None:
        done = self.person.did[-1] if self.person.did else "nothing"
        self.untrue += [f"{path} after step {len(self.person.did)} ({done}): {each}" for each in untruths]

    def _lists(
        self, standings: dict[int, Standing], builds: list[Build], deployments: list[Deployment]
    ) -> None:
        for path, archived in {"/agents/": False, "/agents/?shown=archived": True}.items():
            self._compare(path, screens.agent_rows(self._read(path), standings, archived=archived))
        for found in self._json("/agents/?shown=all")["agents"]:
            self._compare("/agents/", screens.agent_json(found, standings[found["id"]]))
        self._compare("/builds/", screens.build_rows(self._read("/builds/"), builds))
        by_pk = {build.pk: build for build in builds}
        for found in self._json("/builds/")["builds"]:
            self._compare("/builds/", screens.build_json(found, by_pk[found["id"]]))
        live = {row.pk: word for row in deployments if (word := _live_word(row))}
        page = self._read("/deployments/")
        self._compare("/deployments/", screens.deployment_rows(page, deployments, live))
        names = [each.agent.name for each in trash.contents(self.person.user)]
        shown = [cell.first(cls="break").text for cell in self._read("/trash/").all(cls="table-main")]
        self._compare("/trash/", screens.differs("trash", shown, names))

    def _agent(self, standing: Standing) -> None:
        at = f"/agents/{standing.agent.pk}/"
        for name in (*TABS, "builds", "try", "deploy"):
            path = f"{at}{name}/"
            page = self._read(path)
            self._compare(path, screens.agent_page(page, standing))
            self._compare(path, screens.rail(page, standing))
            match name:
                case "builds":
                    builds = list(Build.objects.filter(revision__agent=standing.agent))
                    self._compare(path, screens.build_tab(page, standing))
                    self._compare(path, screens.build_rows(page, builds))
                case "try":
                    self._compare(path, screens.try_page(page, standing))
                    if standing.answering:
                        self._compare(path, screens.chat(page, _messages(standing, "build")))
                case "deploy":
                    self._compare(path, screens.deploy_tab(page, standing))

        path = f"{at}draft/"
        page = self._read(path)
        self._compare(path, screens.rail(page, standing))
        self._compare(path, screens.chat(page, _messages(standing, "draft")))

    def _search(self, builds: list[Build], deployments: list[Deployment]) -> None:
        """Look for the newest builds and deployments, which say how they stand."""
        notes = {
            f"Build {each.pk}": f"{each.revision.agent.name}, {each.status}"
            for each in sorted(builds, key=lambda build: -build.pk)[:4]
        }
        for row in sorted(deployments, key=lambda row: -row.pk)[:4]:
            notes[f"Deployment {row.pk}"] = f"{row.site.agent.name} to {row.site.name}, {row.status}"
        self._compare("/search/", screens.found(self._read("/search/"), notes))

    def _build(self, build: Build, standing: Standing) -> None:
        path = f"/builds/{build.pk}/"
        page = self._read(path)
        self._compare(path, screens.build_page(page, build, standing))
        self._compare(path, screens.rail(page, standing))

    def _news(self, before: Open, now: Open) -> Iterator[str]:
        """Yield what a window that was open before the step would go on showing, and what is true instead."""
        changed = [name for name, text in before.parts.items() if now.parts.get(name, text) != text]
        if changed and not self._was_told(before):
            shown, true = before.parts[changed[0]], now.parts[changed[0]]
            yield f"an open window still shows {shown!r}, true is {true!r} ({changed})"
        if before.around != now.around:
            yield f"an open window shows {before.around!r} around its parts, true is {now.around!r}"

    def _was_told(self, page: Open) -> bool:
        names = Stream.objects.filter(pk__in=page.positions).values_list("pk", flat=True)
        for name in names:
            try:
                records = list(streams.read(name, after=page.positions[name]))
            except StreamMissing:
                continue
            if any(record["kind"] in self._kinds for _, record in records):
                return True
        # A stream that is gone or hidden ends the connection, and the page says so.
        return len(names) < len(page.positions)


def _messages(standing: Standing, source: str) -> list[ChatMessage]:
    """Return the one conversation with an agent's builds, or with its draft."""
    return list(messages_of(standing.agent, ChatMessage.Source(source)))


def _live_word(row: Deployment) -> str:
    if not row.remote_id or row.site.deleted_at or row.site.live_remote_id != row.remote_id:
        return ""
    seen = row.site.host != "self-hosted" or row.site.answered_at is not None
    return "live" if seen else "ready to run"
