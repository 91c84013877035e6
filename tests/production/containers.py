"""Build the image of deploy/docker without an engine: its steps, in roots that Debian's debootstrap makes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dockerfile_parse import DockerfileParser

from agentforge import child_environment
from tests.drivers.forge import ROOT

from .network import run

DOCKER = ROOT / "deploy" / "docker"
_SCRIPT = Path(__file__).with_name("container.sh")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NONE: Mapping[str, str] = MappingProxyType({})
# What the image's base has besides Debian's smallest system.
_BASE = "python3,python3-venv,ca-certificates"


@dataclass
class Image:
    """The files of one stage, and what its instructions said."""

    root: Path
    directory: str = "/"
    user: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    entry: list[str] = field(default_factory=list)

    def command(
        self, words: list[str], *, rights: str, volume: Path | None = None, within: str = ""
    ) -> list[str]:
        """Return what runs a program in these files, within a network namespace if one is named."""
        network = ["/usr/sbin/ip", "netns", "exec", within] if within else []
        unshare = ["/usr/bin/unshare", "--mount", "--pid", "--fork", "--ipc", "--kill-child", "/bin/sh"]
        place = [str(self.root), rights, str(volume or ""), self.directory]
        return [*network, *unshare, str(_SCRIPT), *place, *words]

    def execute(self, script: str) -> None:
        """Execute a RUN instruction: as root, with the network of this machine."""
        given = {name: value for name, value in child_environment.for_pip().items() if name != "HOME"}
        done = subprocess.run(
            self.command(["/bin/sh", "-c", script], rights="builder"),
            env={**given, "PATH": _PATH, "HOME": "/root", **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, f"RUN {script}\n{done.stdout[-4000:]}"

    def copy(self, words: list[str], context: Path) -> None:
        """Execute a COPY instruction."""
        *names, target = words
        place = self.root / self.directory.lstrip("/") / target
        for name in names:
            source = context / name.lstrip("/")
            if source.is_dir():
                shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place)


def bootstrapped(directory: Path) -> Path:
    """Make a small Debian with Python, which stands in for the image's base."""
    base = directory / "base"
    uris = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split()
    mirror = next(uri for uri in uris if "security" not in uri)
    words = ("--variant=minbase", f"--include={_BASE}", "bookworm", str(base), mirror)
    done = subprocess.run(
        ["/usr/sbin/debootstrap", *words], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout[-2000:]
    (base / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(f"/{name}", base / name)
    for file in Path("/etc/apt/apt.conf.d").glob("99*"):
        shutil.copy(file, base / "etc/apt/apt.conf.d")
    return base


def context_of(directory: Path) -> Path:
    """Return the build's context: the last commit, without what .dockerignore names."""
    context = directory / "context"
    context.mkdir()
    archive = directory / "context.tar"
    run("git", "-C", str(ROOT), "archive", "--output", str(archive), "HEAD")
    run("tar", "-xf", str(archive), "-C", str(context))
    # Where the page has an operator write it.
    (context / "agentforge.env").write_text("SECRET_KEY=of-an-operator\n")
    for pattern in (DOCKER / "Dockerfile.dockerignore").read_text().split():
        for path in list(context.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return context


def build(directory: Path) -> Image:
    """Execute every step of the Dockerfile, and return the last stage."""
    base, context = bootstrapped(directory), context_of(directory)
    shutil.copy(DOCKER / "Dockerfile", directory)
    stages: dict[str, Image] = {}
    image = Image(base)
    for step in DockerfileParser(str(directory)).structure:
        words = shlex.split(step["value"])
        match step["instruction"]:
            case "FROM":
                name = words[2] if len(words) == 3 else ""
                run("cp", "-a", str(base), str(directory / f"stage-{name}"))
                image = stages[name] = Image(directory / f"stage-{name}")
            case "COPY" if words[0].startswith("--from="):
                image.copy(words[1:], stages[words[0].removeprefix("--from=")].root)
            case "COPY":
                image.copy(words, context)
            case "RUN":
                image.execute(step["value"])
            case _:
                _note(image, step)
    return image


def _note(image: Image, step: dict[str, Any]) -> None:
    """Take in an instruction that changes no files."""
    value: str = step["value"]
    match step["instruction"]:
        case "WORKDIR":
            image.directory = value
            (image.root / value.lstrip("/")).mkdir(exist_ok=True)
        case "ENV":
            image.environment |= dict(word.split("=", 1) for word in shlex.split(value))
        case "USER":
            image.user = value
        case "ENTRYPOINT":
            image.entry = json.loads(value)
        case "CMD" | "VOLUME" | "EXPOSE" | "STOPSIGNAL" | "COMMENT":
            pass
        case other:
            raise AssertionError(f"{other} is not known here")


def owner_of(image: Image) -> tuple[int, int]:
    user, group = image.user.split(":")
    return int(user), int(group)


def clean_environment(image: Image, **more: str) -> dict[str, str]:
    """Return what a container's process finds in its environment."""
    return {"PATH": _PATH, "HOME": "/var/lib/agentforge", **image.environment, **more}


def is_possible() -> str:
    """Say what is missing to build an image here; nothing if it can be done."""
    if os.geteuid() != 0:
        return "only root can make the roots of containers"
    return "" if Path("/usr/sbin/debootstrap").exists() else "debootstrap is not installed here"
