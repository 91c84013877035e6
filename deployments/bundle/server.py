"""Bring the programs and papers with which anybody's server runs a site: Docker, systemd, by hand.

The papers are fixed texts. Into them go the access that was chosen and names and addresses of variables,
each on a line of its own; nothing of a secret, and no text of the agent's.
"""

from __future__ import annotations

from pathlib import Path

from builds.models import Artifact, Build
from builds.package import assembly
from deployments.errors import DeployError
from deployments.hosts.selfhost.host import EXECUTABLES
from deployments.models import Access, Site
from deployments.sites import variables

_PAPERS = Path(__file__).parent / "server_files"
PROGRAMS = "bin/"
_PLACES = {"start": f"{PROGRAMS}agent"}
EXAMPLE = "agent.env.example"
_ABOUT = {
    # Shells, Docker and systemd read other signs each in their own way.
    variables.PLAIN_PASSWORD: "The shared password, as you tell it to visitors: of letters, digits, - and _.",
    variables.STATE_KEY: "Signs conversations (openssl rand -hex 32); without it a restart ends them.",
    variables.SUPABASE_URL: "The project whose users may talk to the agent.",
}


def programs(build: Build) -> dict[str, Artifact]:
    """Return a build's programs for servers: path in the site → file.

    Raises DeployError when there is none.
    """
    files = build.artifacts.filter(target__in=EXECUTABLES)
    found = {f"{PROGRAMS}agent-{file.target}": file for file in files if assembly.is_executable(file.name)}
    if not found:
        raise DeployError(
            f"Build {build.pk} has no program for a server. Compile the agent for Linux, then deploy it.",
            "no-program",
        )
    return found


def papers(site: Site, build: Build) -> dict[str, str]:
    """Return the texts beside the programs: path → text."""
    found = {
        _PLACES.get(path.name, path.name): path.read_text().replace("@ACCESS@", site.access)
        for path in sorted(_PAPERS.iterdir())
    }
    return found | {EXAMPLE: _example(site, build)}


def _example(site: Site, build: Build) -> str:
    lines = ["# Copy to agent.env (mode 0600) and fill in what is empty. Keep it to yourself."]
    provider = variables.provider_of(build.revision)
    for name, value in variables.examples(build.revision.agent, site, provider).items():
        if name in _ABOUT:
            lines.append(f"# {_ABOUT[name]}")
        lines.append(f"{name}={value}")
    lines.append("# Needed behind a web server or proxy: AGENT_TRUSTED_PROXIES=1")
    if site.access == Access.PUBLIC:
        lines.append("# Everybody may talk to this agent: each address 20 times a minute.")
    return "\n".join([*lines, ""])
