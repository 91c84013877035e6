"""The programs and instructions with which a server runs a site: with Docker, systemd, or by hand.

The instructions are fixed texts, completed with the access and with the names of variables, each on a line of
its own. No secret goes into them, and no text of the agent's.
"""

from __future__ import annotations

from pathlib import Path

from builds.models import Artifact, Build
from builds.package import assembly
from deployments.errors import DeployError
from deployments.hosts.selfhost.host import EXECUTABLES
from deployments.models import Access, Site
from deployments.sites import variables

_INSTRUCTIONS = Path(__file__).parent / "server_files"
PROGRAMS = "bin/"
_PATHS = {"start": f"{PROGRAMS}agent", "prepare": f"{PROGRAMS}prepare"}
EXAMPLE = "agent.env.example"
_ABOUT = {
    # Shells, Docker and systemd parse other characters differently.
    variables.PLAIN_PASSWORD: "The shared password that you give to visitors: letters, digits, - and _.",
    variables.STATE_KEY: "Signs conversations; without it, a restart ends them. bin/prepare makes one.",
    variables.SUPABASE_URL: "The Supabase project whose users may talk to the agent.",
}


def programs(build: Build) -> dict[str, Artifact]:
    """Return a build's programs for servers: path in the site → artifact.

    Raises DeployError when there is none.
    """
    files = build.artifacts.filter(target__in=EXECUTABLES)
    paths = {f"{PROGRAMS}agent-{file.target}": file for file in files if assembly.is_executable(file.name)}
    if not paths:
        raise DeployError(
            f"Build {build.pk} has no program for a server. Compile the agent for Linux, then deploy it.",
            "no-program",
        )
    return paths


def instructions(site: Site, build: Build) -> dict[str, str]:
    """Return the files beside the programs: path → text."""
    texts = {
        _PATHS.get(path.name, path.name): path.read_text().replace("@ACCESS@", site.access)
        for path in sorted(_INSTRUCTIONS.iterdir())
    }
    return texts | {EXAMPLE: _example(site, build)}


def _example(site: Site, build: Build) -> str:
    lines = ["# bin/prepare copies this to agent.env (mode 0600): fill in its empty values. Keep it secret."]
    for name, value in variables.examples(build.revision.agent, site, build.revision).items():
        if name in _ABOUT:
            lines.append(f"# {_ABOUT[name]}")
        lines.append(f"{name}={value}")
    lines.append("# Needed behind a web server or proxy: AGENT_TRUSTED_PROXIES=1")
    if site.access == Access.PUBLIC:
        lines.append("# Anybody may talk to this agent: 20 requests a minute per address.")
    return "\n".join([*lines, ""])
