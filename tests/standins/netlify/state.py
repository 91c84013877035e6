"""The state of Netlify: sites, deploys, contents by hash, environment variables."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Deploy:
    id: str
    site_id: str
    number: int
    title: str = ""
    state: str = "new"
    draft: bool = False
    branch: str = ""
    files: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    runtimes: dict[str, str] = field(default_factory=dict)
    environment: list[Json] = field(default_factory=list)
    has_manifest: bool = False
    locked: bool = False
    error: str = ""
    # The site's variables when it went live: a function keeps those it was deployed with.
    variables: dict[str, str] = field(default_factory=dict)
    created_at: float = field(default_factory=time.time)
    published_at: float = 0.0

    @property
    def context(self) -> str:
        """Return the context that selects the values of environment variables."""
        return "deploy-preview" if self.draft else "branch-deploy" if self.branch else "production"

    @property
    def is_over(self) -> bool:
        return self.state in ("ready", "error")


@dataclass
class Site:
    id: str
    name: str
    number: int
    account: str
    published: str = ""


@dataclass
class Account:
    id: str = "acc-1"
    slug: str = "team-one"
    name: str = "Team One"


class State:
    """The whole state, behind one lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)
        self.accounts = [Account(), Account("acc-2", "team-two", "Team Two")]
        self.sites: dict[str, Site] = {}
        self.deploys: dict[str, Deploy] = {}
        self.contents: dict[str, bytes] = {}
        self.zips: dict[str, bytes] = {}
        # (account id, site id, key) → the variable.
        self.environment: dict[tuple[str, str, str], Json] = {}
        # Names taken by others.
        self.taken: set[str] = set()

    def account_named(self, text: str) -> Account | None:
        """Find an account by its id or by its slug."""
        return next((account for account in self.accounts if text in (account.id, account.slug)), None)

    def site_named(self, text: str) -> Site | None:
        """Find a site by its id or host name, as the API allows, but not by its name alone."""
        hosts = {f"{site.name}.netlify.app": site for site in self.sites.values()}
        return self.sites.get(text) or hosts.get(text)

    def add_site(self, name: str, account: str) -> Site:
        number = next(self.numbers)
        site = Site(f"site-{number:04}", name, number, account)
        self.sites[site.id] = site
        return site

    def add_deploy(self, site: Site, title: str) -> Deploy:
        number = next(self.numbers)
        deploy = Deploy(f"deploy-{number:04}", site.id, number, title)
        self.deploys[deploy.id] = deploy
        return deploy

    def missing_files(self, deploy: Deploy) -> list[str]:
        return sorted({sha for sha in deploy.files.values() if sha not in self.contents})

    def missing_functions(self, deploy: Deploy) -> list[str]:
        # A zip uploaded under another runtime has the same bytes: it is not required again.
        return sorted({sha for sha in deploy.functions.values() if sha not in self.zips})

    def variables_of(self, site: Site, context: str = "production") -> dict[str, str]:
        """Return the variables of a site's functions: its own override its team's."""
        variables: dict[str, str] = {}
        for place in ("", site.id):
            for (account, site_id, key), variable in self.environment.items():
                is_for_functions = "functions" in (variable.get("scopes") or ["functions"])
                if (account, site_id) == (site.account, place) and is_for_functions:
                    values = {each.get("context"): each["value"] for each in variable.get("values") or []}
                    if (value := values.get(context, values.get("all"))) is not None:
                        variables[key] = value
        return variables

    def forget_deploys(self) -> None:
        """Forget all deploys."""
        with self.lock:
            for kept in (self.deploys, self.contents, self.zips):
                kept.clear()
            for site in self.sites.values():
                site.published = ""
