"""Netlify's own CLI deploys to the stand-in, which keeps the stand-in true to the protocol."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.deployments.bundle import hello
from tests.drivers.absence import absent
from tests.standins.netlify import NetlifyStandIn
from tests.standins.netlify.functions import Functions

from . import netlify_cli
from .netlify_cli import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FILES = {
    "index.html": b"<h1>Hello</h1>",
    "empty.txt": b"",
    "with spaces/Über uns.txt": "Grüße".encode(),
    "100% & more+[1].txt": b"percent",
    "same.txt": b"twice",
    "copies/same.txt": b"twice",
}
# For a named site, the CLI asks another host of Netlify for extensions, and continues without.
EXTENSIONS = {"api.netlifysdk.com"}
# Where the CLI puts the headers and redirects.
CONFIGURATION = "netlify.toml"
DEPLOY = ("deploy", "--no-build", "--json", "--dir", "public", "--functions", "functions")


@pytest.fixture(scope="module", autouse=True)
def cli() -> None:
    try:
        netlify_cli.installed()
    except netlify_cli.NoNpm as missing:
        absent(str(missing))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A function's binary, compiled by Go."""
    return hello.program(tmp_path_factory.mktemp("go")).read_bytes()


@pytest.fixture
def project(tmp_path: Path, program: bytes) -> Path:
    """A directory with a site and a function, ready to be deployed."""
    directory = tmp_path / "project"
    for path, content in FILES.items():
        place = directory / "public" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (directory / "functions").mkdir()
    (directory / "functions" / "agent").write_bytes(program)
    (directory / "functions" / "agent").chmod(0o755)
    return directory


@pytest.fixture
def served(netlify: NetlifyStandIn) -> Iterator[NetlifyStandIn]:
    """The stand-in, with functions that really run."""
    with Functions() as functions:
        netlify.edge.invoke = functions
        yield netlify


def deploy(netlify: NetlifyStandIn, project: Path, *words: str) -> Run:
    done = netlify_cli.run(project, *DEPLOY, *words, url=netlify.url, token=netlify.token)
    assert set(done.outside) <= EXTENSIONS
    return done


def succeeded(netlify: NetlifyStandIn, project: Path, *words: str) -> dict[str, str]:
    done = deploy(netlify, project, *words)
    assert done.code == 0, done.output + done.errors
    # Progress messages precede it.
    output: dict[str, str] = json.loads(done.output[done.output.index("{") :])
    return output


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def shown(address: str) -> dict[str, bytes]:
    answers = {path: httpx.get(f"{address}/{quote(path)}") for path in FILES}
    return {path: answer.content for path, answer in answers.items() if answer.status_code == 200}


def uploads(netlify: NetlifyStandIn) -> list[str]:
    paths = (asked.path.partition("/deploys/")[2] for asked in netlify.asked if asked.method == "PUT")
    return [path.partition("/")[2] for path in paths if "/" in path]


def test_a_draft_and_then_the_site_itself(served: NetlifyStandIn, project: Path, program: bytes) -> None:
    words = ("--create-site", "ada", "--team", "team-two", "--message", "As a draft, ü")
    output = succeeded(served, project, *words)
    [site], [draft] = served.state.sites.values(), served.state.deploys.values()
    assert (site.name, site.account, site.published) == ("ada", "acc-2", "")
    assert (output["site_id"], output["deploy_id"]) == (site.id, draft.id)
    assert (draft.title, draft.draft, draft.state) == ("As a draft, ü", True, "ready")
    files = dict(draft.files)
    files.pop(CONFIGURATION)
    assert files == {path: sha1(content) for path, content in FILES.items()}
    archive = zipfile.ZipFile(io.BytesIO(served.state.zips[draft.functions["agent"]]))
    assert archive.read("bootstrap") == program
    assert draft.runtimes == {"agent": "go"}
    assert shown(output["deploy_url"]) == FILES
    assert httpx.get(f"{output['deploy_url']}/.netlify/functions/agent").text == hello.SAYS
    assert httpx.get(served.edge.site_url(site)).status_code == 404

    served.asked.clear()
    output = succeeded(served, project, "--prod", "--site", "ada", "--message", "For everybody")
    live = served.state.deploys[output["deploy_id"]]
    assert (live.title, live.draft, site.published) == ("For everybody", False, live.id)
    assert live.files | draft.files == live.files | {CONFIGURATION: draft.files[CONFIGURATION]}
    assert [path for path in uploads(served) if CONFIGURATION not in path] == []
    assert shown(output["url"]) == FILES
    assert httpx.get(f"{output['url']}/.netlify/functions/agent").text == hello.SAYS


def test_a_list_of_many_files_is_compared_meanwhile(netlify: NetlifyStandIn, project: Path) -> None:
    for number in range(110):
        (project / "public" / f"{number}.txt").write_text(f"File {number}")
    output = succeeded(netlify, project, "--create-site", "ada", "--team", "team-one")
    [manifest] = [a.json for a in netlify.asked if a.method == "PUT" and a.path.endswith(output["deploy_id"])]
    assert manifest["async"] is True
    deploy = netlify.state.deploys[output["deploy_id"]]
    assert (len(deploy.files), deploy.state) == (110 + len(FILES) + 1, "ready")
    assert httpx.get(f"{output['deploy_url']}/109.txt").text == "File 109"


def test_a_locked_site_and_a_failed_deploy_are_told(netlify: NetlifyStandIn, project: Path) -> None:
    output = succeeded(netlify, project, "--create-site", "ada", "--team", "team-one", "--prod")
    first = netlify.state.deploys[output["deploy_id"]]
    first.locked = True
    locked = deploy(netlify, project, "--prod", "--site", "ada")
    assert locked.code != 0
    assert "locked" in locked.output + locked.errors
    assert list(netlify.state.deploys) == [first.id]
    netlify.fails_with = "The function could not be created"
    failed = deploy(netlify, project, "--site", "ada")
    assert failed.code != 0
    assert netlify.fails_with in failed.output + failed.errors
    second = next(d for d in netlify.state.deploys.values() if d.id != first.id)
    # It tried to cancel a deploy that was over, and was refused.
    [cancel] = [asked.path for asked in netlify.asked if asked.path.endswith("/cancel")]
    assert second.id in cancel
    assert (second.state, second.error) == ("error", netlify.fails_with)
