"""A Netlify account as a host; paths and bodies follow its OpenAPI description 2.55."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from deployments.hosts.base import (
    Content,
    Entry,
    HostError,
    HostKind,
    OnSent,
    Person,
    Reason,
    RemoteDeploy,
    RemoteSite,
)
from deployments.hosts.content_marker import fetch_marker

from . import environment
from .api import Api, Notify, OutcomeUnknown, Request, Sleep
from .payloads import deploy_of, site_of, team_of

T = TypeVar("T")

_PAGE = 100
_MAX_SITES = 500
FUNCTION_RUNTIME = "go"


class Netlify:
    """One Netlify account; `sleep` waits between attempts, `notify` is called before it."""

    # The size is Netlify's limit for a function.
    kind: ClassVar[HostKind] = HostKind(
        "netlify", "Netlify", targets=("function",), largest_program=50 * 1024 * 1024
    )

    def __init__(self, token: str, sleep: Sleep = time.sleep, notify: Notify | None = None) -> None:
        self._api = Api(token, sleep, notify)

    def whoami(self) -> Person:
        user = self._get("/user", "looking up the token's owner")
        teams = self._get("/accounts", "listing the teams")
        name = str(user.get("full_name") or user.get("email") or "")
        return Person(name, str(user.get("email") or ""), tuple(team_of(team) for team in teams))

    def sites(self) -> list[RemoteSite]:
        sites: list[RemoteSite] = []
        while len(sites) < _MAX_SITES:
            query = {"filter": "all", "page": str(len(sites) // _PAGE + 1), "per_page": str(_PAGE)}
            page = self._get("/sites", "listing the sites", query)
            sites += [site_of(site) for site in page]
            if len(page) < _PAGE:
                break
        return sites

    def site(self, site_id: str) -> RemoteSite:
        return site_of(self._get(f"/sites/{site_id}", "looking up the site"))

    def create_site(self, name: str, team_slug: str) -> RemoteSite:
        path = f"/{team_slug}/sites" if team_slug else "/sites"
        request = Request("POST", path, "creating the site", body={"name": name}, once=True)
        return self._create_once(request, lambda: self._site_named(name), site_of)

    def _site_named(self, name: str) -> RemoteSite | None:
        query = {"name": name, "filter": "all", "per_page": "100"}
        sites = self._get("/sites", "looking up the site", query)
        return next((site_of(site) for site in sites if site.get("name") == name), None)

    def delete_site(self, site_id: str) -> None:
        self._delete(f"/sites/{site_id}", "deleting the site")

    def digest(self, content: Content, *, is_function: bool) -> str:
        # The protocol identifies files by SHA-1; no security depends on it.
        digest = hashlib.sha256() if is_function else hashlib.sha1(usedforsecurity=False)
        for piece in content.pieces():
            digest.update(piece)
        return digest.hexdigest()

    def set_variables(self, site: RemoteSite, variables: Mapping[str, str], obsolete: frozenset[str]) -> None:
        environment.change(self._api, site, variables, obsolete)

    def find_deploy(self, site_id: str, title: str) -> RemoteDeploy | None:
        deploys = self._get(f"/sites/{site_id}/deploys", "looking up the deploy", {"per_page": str(_PAGE)})
        return next((deploy_of(deploy) for deploy in deploys if deploy.get("title") == title), None)

    def create_deploy(self, site_id: str, title: str, entries: list[Entry], *, draft: bool) -> RemoteDeploy:
        existing = self.find_deploy(site_id, title)
        if existing is not None:
            return existing
        body = {
            "files": {entry.path: entry.digest for entry in entries if not entry.is_function},
            "functions": {entry.path: entry.digest for entry in entries if entry.is_function},
            "async": True,
            "draft": draft,
        }
        path = f"/sites/{site_id}/deploys"
        request = Request("POST", path, "creating the deploy", {"title": title}, body, once=True)
        return self._create_once(request, lambda: self.find_deploy(site_id, title), deploy_of)

    def deploy(self, site_id: str, deploy_id: str) -> RemoteDeploy:
        return deploy_of(self._get(f"/sites/{site_id}/deploys/{deploy_id}", "looking up the deploy"))

    def visible_content(self, site_id: str, deploy: RemoteDeploy, address: str, *, draft: bool) -> str:
        return fetch_marker(address)

    def upload(self, deploy_id: str, entry: Entry, on_sent: OnSent) -> None:
        kind = "functions" if entry.is_function else "files"
        doing = f"uploading the function {entry.path}" if entry.is_function else f"uploading {entry.path}"
        query = {"runtime": FUNCTION_RUNTIME} if entry.is_function else None
        path = f"/deploys/{deploy_id}/{kind}/{entry.path}"
        self._api.reply(Request("PUT", path, doing, query, content=entry.content, on_sent=on_sent))

    def cancel(self, deploy_id: str) -> None:
        try:
            self._api.reply(Request("POST", f"/deploys/{deploy_id}/cancel", "cancelling the deploy"))
        except HostError as error:
            if error.reason not in (Reason.GONE, Reason.REFUSED):
                raise

    def publish(self, site_id: str, deploy_id: str) -> RemoteDeploy:
        path = f"/sites/{site_id}/deploys/{deploy_id}/restore"
        return deploy_of(self._api.json(Request("POST", path, "putting the deploy live")))

    def lock(self, deploy_id: str, *, locked: bool) -> None:
        verb = "lock" if locked else "unlock"
        self._api.reply(Request("POST", f"/deploys/{deploy_id}/{verb}", f"{verb}ing the site"))

    def delete_deploy(self, deploy_id: str) -> None:
        self._delete(f"/deploys/{deploy_id}", "deleting the deploy")

    def _get(self, path: str, doing: str, query: Mapping[str, str] | None = None) -> Any:
        return self._api.json(Request("GET", path, doing, query))

    def _delete(self, path: str, doing: str) -> None:
        try:
            self._api.reply(Request("DELETE", path, doing))
        except HostError as error:
            # Already gone, perhaps by a first attempt whose response was lost.
            if error.reason != Reason.GONE:
                raise

    def _create_once(self, request: Request, find: Callable[[], T | None], parse: Callable[[Any], T]) -> T:
        """Make a request that must take effect exactly once: after a fault, check whether it did."""
        faults = self._api.faults(request.doing)
        while True:
            try:
                return parse(self._api.json(request))
            except OutcomeUnknown as error:
                if (existing := find()) is not None:
                    return existing
                faults.wait(str(error))
