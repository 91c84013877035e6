"""Pictures of pages in their states, to be looked at: pytest -n 0 tests/screen/shots*.py.

They go to AGENTFORGE_SCREENSHOTS, or a folder agentforge-screenshots of the temporary files.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from errno import ENOSPC
from typing import Any, Protocol

import pytest
from django.template.loader import render_to_string
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize, expect

from agentforge.accounts.models import User
from agentforge.live.writer import StreamWriter
from builds.evaluation import lifecycle as evaluations
from builds.evaluation.forms import EXAMPLE
from builds.evaluation.results import CaseResult, Trial, stored
from builds.execution import transitions as building
from builds.logs.build_log import BuildLog
from builds.models import Build, BuildStatus, ChatMessage, EvaluationRun
from builds.services import cancel_build, enqueue_build
from configs import validation
from configs.knowledge import files
from configs.models import AgentConfig, KnowledgeFile
from deployments import services
from deployments.models import Access, Deployment, DeploymentStatus
from deployments.run import steps, transitions
from deployments.sites import lifecycle
from tests.deployments.finished_builds import build_of
from tests.drivers.browser_watch import KEPT
from tests.drivers.web_process import WebProcess
from tests.test_access_matrix import Hers, hers

from .conftest import NARROW, WIDE
from .test_accessibility import pages_of
from .test_build_page import start, take_from_cache
from .test_states import finish

__all__ = ["hers"]

LISTS = ("/agents/", "/agents/?shown=archived", "/builds/", "/deployments/", "/keys/", "/trash/")
SIGNED_IN = (*LISTS, "/agents/new/", "/builds/999999/")


class Shoot(Protocol):
    """Takes a picture of a path in a state; what `before` does with the page comes first."""

    def __call__(self, state: str, path: str, before: Callable[[Page], object] | None = None) -> None: ...


def away() -> str:
    """Return the page of an outage."""
    reason = "The database does not answer. Nothing was changed. Try again in a minute."
    return render_to_string("503.html", {"reason": reason, "again": "/agents/"})


def open_page(page: Page, state: str, path: str) -> str:
    """Open a path, with what its state takes of the network; return its source."""
    if state == "away":
        page.route("**/agents/", lambda route: route.fulfill(status=503, body=away()))
    response = page.goto(path)
    assert response is not None
    return response.text()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def shoot(
    request: pytest.FixtureRequest,
    scheme: Any,
    chromium: Browser,
    web: WebProcess,
    alice: User,
    client_of: Callable[[User], Client],
) -> Shoot:
    """Return a function that takes a picture of a path in a state."""
    size: ViewportSize = request.param
    session = client_of(alice).cookies["sessionid"].value

    def take(state: str, path: str, before: Callable[[Page], object] | None = None) -> None:
        context = chromium.new_context(
            base_url=web.url, viewport=size, color_scheme=scheme, reduced_motion="reduce"
        )
        context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
        page = context.new_page()
        open_page(page, state, path)
        if before is not None:
            before(page)
        name = f"{size['width']}-{scheme}-{state}-{path.strip('/').replace('/', '-').replace('?', '-')}"
        KEPT.mkdir(parents=True, exist_ok=True)
        # What sticks to an edge of the window would lie over the middle of a page that is longer.
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({**size, "height": max(size["height"], height)})
        page.screenshot(path=KEPT / f"{name}.png", full_page=True)
        context.close()

    return take


def test_empty(shoot: Shoot) -> None:
    for path in SIGNED_IN:
        shoot("empty", path)


def test_every_page(shoot: Shoot, alice: User, hers: Hers, client_of: Callable[[User], Client]) -> None:
    for path in pages_of(client_of(alice), hers):
        shoot("page", path)


def test_an_agent_from_draft_to_out_of_date(shoot: Shoot, agent: AgentConfig, alice: User) -> None:
    at = f"/agents/{agent.pk}"
    tabs = ("identity", "keys", "personality", "capabilities", "builds", "try", "deploy")
    for tab in tabs:
        shoot("draft", f"{at}/{tab}/")
    validation.validate_draft(validation.start_run(agent).pk)
    shoot("valid", f"{at}/identity/")
    for state, status in (("succeeded", BuildStatus.SUCCEEDED), ("failed", BuildStatus.FAILED)):
        build = enqueue_build(agent, by=alice)
        shoot(f"queued-before-{state}", f"/builds/{build.pk}/")
        finish(build, status)
        for path in (f"/builds/{build.pk}/", f"{at}/builds/", f"{at}/try/"):
            shoot(state, path)
    build = enqueue_build(agent, by=alice)
    cancel_build(build, by=alice)
    AgentConfig.objects.filter(pk=agent.pk).update(name="Grace")
    for path in (
        f"/builds/{build.pk}/",
        f"{at}/identity/",
        f"{at}/builds/",
        f"{at}/try/",
        "/agents/",
        "/builds/",
    ):
        shoot("out-of-date", path)


@pytest.fixture
def build(agent: AgentConfig, alice: User) -> Build:
    return enqueue_build(agent, by=alice, names=["plugin", "linux-amd64"])


def test_a_build_that_runs_and_fails(shoot: Shoot, build: Build) -> None:
    at = f"/agents/{build.revision.agent_id}"
    shoot("queued", f"/builds/{build.pk}/")
    claim = start(build)
    take_from_cache(claim, "plugin", "plugin linux/amd64")
    with ExitStack() as stack:
        writer = stack.enter_context(StreamWriter(claim.stream))
        log = stack.enter_context(BuildLog(writer.write).section("executable linux/amd64"))
        with log.step("Lay out the sources"):
            log.info("go1.27.3, gcc 12.2.0. Sandbox: bubblewrap.")
        step = stack.enter_context(log.step("Compile the executable"))
        assert step is None
        log.lines("err", ["# agent/providers", "providers/answer.go:16:2: undefined: " + "long_name_" * 14])
        for path in (f"/builds/{build.pk}/", f"{at}/builds/", f"{at}/identity/", "/agents/", "/builds/"):
            shoot("running", path)
        log.state = "failed"
    build.per_target.filter(target="linux-amd64").update(status="failed", error="Compile failed (exit 1).")
    assert building.finish(build.pk, claim.job_id, BuildStatus.FAILED, error="Compile failed (exit 1).")
    for path in (f"/builds/{build.pk}/", f"{at}/builds/", "/agents/"):
        shoot("failed", path)


def test_a_deployment_from_its_queue_to_its_end(shoot: Shoot, agent: AgentConfig, alice: User) -> None:
    built = build_of(agent, alice)
    site = lifecycle.create_site(agent, "ada-site", "", alice, host="self-hosted")
    lifecycle.change(site, lifecycle.Settings(access=Access.PUBLIC), alice)
    for status in (DeploymentStatus.FAILED, DeploymentStatus.SUCCEEDED):
        site.refresh_from_db()
        row = services.enqueue(site, built, alice)
        places = (f"/deployments/{row.pk}/", f"/agents/{agent.pk}/deploy/", "/deployments/", "/agents/")
        shoot(f"queued-before-{status}", places[0])
        claimed = transitions.claim(row.pk, row.job_id or 0)
        assert claimed is not None
        with suppress(OSError), ExitStack() as stack:
            writer = stack.enter_context(StreamWriter(row.stream_name))
            log = BuildLog(writer.write)
            with log.step(steps.DIGEST):
                log.info("12 files, 21.3 MB.")
            stack.enter_context(log.step(steps.CREATE))
            if status == DeploymentStatus.FAILED:
                for path in places:
                    shoot("deploying", path)
                raise OSError(ENOSPC, "No space left on device")
        _end(claimed, status)
        for path in places:
            shoot(f"deployment-{status}", path)


def _end(row: Deployment, status: DeploymentStatus) -> None:
    failed = status == DeploymentStatus.FAILED
    error = "The disk of the forge is full. Nothing was published." if failed else ""
    fields = {"error": error, "remote_id": "" if failed else f"{row.pk}"}
    assert transitions.finish(row, status, fields=fields, live=not failed)


def test_refusals_and_outages(shoot: Shoot, agent: AgentConfig) -> None:
    for path in ("/admin/", "/builds/999999/", "/accounts/second-factor/enrol/", "/nothing/"):
        shoot("refused", path)
    shoot("away", "/agents/")
    shoot("lost", f"/agents/{agent.pk}/identity/", _lose_the_connection)


def _lose_the_connection(page: Page) -> None:
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    page.get_by_label("Description").fill("Typed while nobody answers.")
    page.route("**/*", lambda route: route.abort())
    page.context.set_offline(True)
    page.get_by_label("Name").focus()
    page.wait_for_timeout(4000)


def test_an_evaluation(shoot: Shoot, agent: AgentConfig, alice: User) -> None:
    page = f"/agents/{agent.pk}/evaluation/"
    shoot("without-cases", page)
    evaluations.save(agent, EXAMPLE, "warn")
    shoot("without-runs", page)
    run = {"owner": alice, "agent": agent, "subject": "the draft (revision 1)", "cases": EXAMPLE, "trials": 4}
    good = Trial((), "I am Ada, an assistant.", ("clock",), 1.2, 120)
    bad = Trial(("the answer does not contain “assistant”, in any case of letters",), "A whale.", (), 0.8, 90)
    both = [CaseResult("says who it is", (good, good, bad)), CaseResult("knows the time", (good,))]
    EvaluationRun.objects.create(
        **run, status="passed", results=stored([CaseResult("says who it is", (good,)), both[1]])
    )
    EvaluationRun.objects.create(**run, status="failed", results=stored(both))
    shoot("failed", page)
    EvaluationRun.objects.create(**run, status="running", results=stored(both[:1]))
    shoot("running", page)
    broken = EvaluationRun.objects.create(
        **run, status="broken", error="The worker was stopped. Run it again."
    )
    shoot("broken", broken.get_absolute_url())


def test_knowledge_and_what_an_answer_asks_and_cites(shoot: Shoot, agent: AgentConfig, alice: User) -> None:
    at = f"/agents/{agent.pk}"
    shoot("without-files", f"{at}/knowledge/")
    rows: dict[str, dict[str, object]] = {
        "tides.md": {"state": "ready", "passages": 12},
        "a-very-long-name-of-a-scanned-document-without-any-text-in-it.pdf": {
            "state": "failed",
            "detail": "2 of its 3 pages hold no text: they are pictures, as of a scanner.",
        },
        "prices.csv": {"state": "reading"},
        "missing.txt": {"state": "missing", "size": 0},
    }
    for name, facts in rows.items():
        row = {"owner": alice, "agent": agent, "name": name, "sha256": f"{len(name):064x}", "size": 52_000}
        KnowledgeFile.objects.create(**{**row, **facts})
    files.refresh(agent.pk)
    shoot("files", f"{at}/knowledge/")
    talk = {"owner": alice, "agent": agent, "source": ChatMessage.Source.DRAFT}
    ChatMessage.objects.create(**talk, role="user", content="When do tides turn? Note it.")
    quotes = [{"text": "Tides turn thrice.", "found": False, "elsewhere": ""}]
    call = {"id": "a1", "tool": "facts_save", "arguments": {"text": "Tides turn twice."}}
    ChatMessage.objects.create(
        **talk,
        role="assistant",
        content="They turn twice a day [tides.md, Tides > When].",
        citations=[
            {"file": "tides.md", "place": "Tides > When", "found": True, "quotes": []},
            {"file": "tides.md", "place": "page 4", "found": True, "quotes": quotes},
            {"file": "nothing.md", "place": "", "found": False, "quotes": []},
        ],
        approval={"asked": [{**call, "reason": "It writes.", "covers": "facts_save", "expires": ""}]},
        usage={"finish": "approval", "input_tokens": 420, "output_tokens": 31, "first_token_ms": 210},
    )
    shoot("asks-and-cites", f"{at}/draft/")
