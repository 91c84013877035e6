"""A site that its agent's executable serves from a directory, and a browser window at it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect, sync_playwright

from agentforge.accounts.models import User
from builds.artifacts import storage
from builds.compiler import targets
from builds.services import enqueue_build
from configs.models import AgentConfig
from deployments.bundle import pages, rules
from deployments.models import Site
from tests.deployments.deployment_jobs import run_jobs
from tests.drivers.chromium import launch


@dataclass(frozen=True)
class Served:
    """A running executable, and the link to the directory that it serves."""

    url: str
    process: subprocess.Popen[str]
    link: Path


def compiled_program(agent: AgentConfig, owner: User, directory: Path) -> Path:
    """Compile an agent for this machine, and return its executable."""
    available = targets.registry().values()
    target = next(each.name for each in available if each.kind == targets.EXECUTABLE_KIND and each.is_native)
    build = enqueue_build(agent, owner, [target])
    run_jobs("builds")
    build.refresh_from_db()
    assert build.status == "succeeded", build.error
    path = directory / "agent"
    stored = build.artifacts.get(target=target, name=agent.handle)
    path.write_bytes(storage.path_of(stored.sha256).read_bytes())
    path.chmod(0o755)
    return path


@contextmanager
def serving(program: Path, link: Path, **variables: str) -> Iterator[Served]:
    """Serve the site behind a link until the end of the block."""
    command: list[str | Path] = [program, "--serve", "127.0.0.1:0", "--site", link]
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            port = process.stderr.readline().strip().rpartition(":")[2]
            yield Served(f"http://localhost:{port}", process, link)
        finally:
            process.kill()


def show(link: Path, access: str, greeting: str, document: dict[str, Any] | None = None) -> None:
    """Render a site of an agent, and point the link to it atomically."""
    directory = link.with_name(greeting)
    directory.mkdir()
    files = pages.render(Site(access=access, greeting=greeting), document or {"name": "Ada"}, [])
    for name, text in (files | {"_headers": rules.headers()}).items():
        (directory / name).write_text(text)
    new = link.with_name("new")
    new.symlink_to(directory)
    new.replace(link)


@contextmanager
def visiting(url: str) -> Iterator[Page]:
    """A narrow window at a site; fails on errors and on requests to other hosts."""
    problems: list[str] = []
    with sync_playwright() as playwright, launch(playwright) as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda sent: None if sent.url.startswith(url) else problems.append(sent.url))
        page.on(
            "console", lambda line: problems.append(line.text) if "Content Security" in line.text else None
        )
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.goto(url)
        yield page
    assert problems == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def say(page: Page, text: str) -> None:
    page.get_by_label("Message").fill(text)
    press(page, "Send")


def message(page: Page, number: int) -> Locator:
    return page.locator(f"#messages > li:nth-child({number})")
