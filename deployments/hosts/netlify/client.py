"""Do at Netlify what a deployment needs; paths and bodies after its OpenAPI description 2.55."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from deployments.hosts.base import (
    Content,
    Entry,
    HostError,
    Kind,
    Person,
    Reason,
    RemoteDeploy,
    RemoteSite,
    Sent,
)
from deployments.hosts.content_marker import content_at

from . import environment
from .api import MOST_FAULTS, Calls, InDoubt, Request, Sleep, Tell
from .payloads import deploy_of, site_of, team_of

T = TypeVar("T")

_PAGE = 100
_MOST_SITES = 500
FUNCTION_RUNTIME = "go"


class Netlify:
    """One Netlify account; `sleep` makes the pauses and `tell` hears of them."""

    # Netlify takes no larger function.
    kind: ClassVar[Kind] = Kind("netlify", "Netlify", targets=("function",), largest_program=50 * 1024 * 1024)

    def __init__(self, token: str, sleep: Sleep = time.sleep, tell: Tell | None = None) -> None:
        self._calls = Calls(token, sleep, tell)

    def whoami(self) -> Person:
        user = self._get("/user", "asking whose token it is")
        teams = self._get("/accounts", "asking for the teams")
        name = str(user.get("full_name") or user.get("email") or "")
        return Person(name, str(user.get("email") or ""), tuple(team_of(team) for team in teams))

    def sites(self) -> list[RemoteSite]:
        found: list[RemoteSite] = []
        while len(found) < _MOST_SITES:
            query = {"filter": "all", "page": str(len(found) // _PAGE + 1), "per_page": str(_PAGE)}
            page = self._get("/sites", "listing the sites", query)
            found += [site_of(site) for site in page]
            if len(page) < _PAGE:
                break
        return found

    def site(self, site_id: str) -> RemoteSite:
        return site_of(self._get(f"/sites/{site_id}", "looking at the site"))

    def create_site(self, name: str, team_slug: str) -> RemoteSite:
        path = f"/{team_slug}/sites" if team_slug else "/sites"
        request = Request("POST", path, "creating the site", body={"name": name}, once=True)
        return self._once(request, lambda: self._site_named(name), site_of)

    def _site_named(self, name: str) -> RemoteSite | None:
        found = self._get(
            "/sites", "looking for the site", {"name": name, "filter": "all", "per_page": "100"}
        )
        return next((site_of(site) for site in found if site.get("name") == name), None)

    def delete_site(self, site_id: str) -> None:
        self._forget(f"/sites/{site_id}", "deleting the site")

    def digest(self, content: Content, *, is_function: bool) -> str:
        # The protocol counts files by SHA-1; nothing is secured by it.
        made = hashlib.sha256() if is_function else hashlib.sha1(usedforsecurity=False)
        for piece in content.pieces():
            made.update(piece)
        return made.hexdigest()

    def set_variables(self, site: RemoteSite, variables: Mapping[str, str], obsolete: frozenset[str]) -> None:
        environment.change(self._calls, site, variables, obsolete)

    def find_deploy(self, site_id: str, title: str) -> RemoteDeploy | None:
        found = self._get(f"/sites/{site_id}/deploys", "looking for the deploy", {"per_page": str(_PAGE)})
        return next((deploy_of(deploy) for deploy in found if deploy.get("title") == title), None)

    def create_deploy(self, site_id: str, title: str, entries: list[Entry], *, draft: bool) -> RemoteDeploy:
        known = self.find_deploy(site_id, title)
        if known is not None:
            return known
        body = {
            "files": {entry.path: entry.digest for entry in entries if not entry.is_function},
            "functions": {entry.path: entry.digest for entry in entries if entry.is_function},
            "async": True,
            "draft": draft,
        }
        path = f"/sites/{site_id}/deploys"
        request = Request("POST", path, "creating the deploy", {"title": title}, body, once=True)
        return self._once(request, lambda: self.find_deploy(site_id, title), deploy_of)

    def deploy(self, site_id: str, deploy_id: str) -> RemoteDeploy:
        return deploy_of(self._get(f"/sites/{site_id}/deploys/{deploy_id}", "asking how far the deploy is"))

    def shown(self, site_id: str, deploy: RemoteDeploy, address: str, *, draft: bool) -> str:
        return content_at(address)

    def upload(self, deploy_id: str, entry: Entry, sent: Sent) -> None:
        kind = "functions" if entry.is_function else "files"
        doing = f"uploading the function {entry.path}" if entry.is_function else f"uploading {entry.path}"
        query = {"runtime": FUNCTION_RUNTIME} if entry.is_function else None
        path = f"/deploys/{deploy_id}/{kind}/{entry.path}"
        self._calls.reply(Request("PUT", path, doing, query, content=entry.content, sent=sent))

    def cancel(self, deploy_id: str) -> None:
        try:
            self._calls.reply(Request("POST", f"/deploys/{deploy_id}/cancel", "cancelling the deploy"))
        except HostError as error:
            if error.reason not in (Reason.GONE, Reason.REFUSED):
                raise

    def publish(self, site_id: str, deploy_id: str) -> RemoteDeploy:
        path = f"/sites/{site_id}/deploys/{deploy_id}/restore"
        return deploy_of(self._calls.json(Request("POST", path, "putting the deploy live")))

    def lock(self, deploy_id: str, *, locked: bool) -> None:
        word = "lock" if locked else "unlock"
        self._calls.reply(Request("POST", f"/deploys/{deploy_id}/{word}", f"{word}ing the site"))

    def delete_deploy(self, deploy_id: str) -> None:
        self._forget(f"/deploys/{deploy_id}", "deleting the deploy")

    def _get(self, path: str, doing: str, query: Mapping[str, str] | None = None) -> Any:
        return self._calls.json(Request("GET", path, doing, query))

    def _forget(self, path: str, doing: str) -> None:
        try:
            self._calls.reply(Request("DELETE", path, doing))
        except HostError as error:
            # Gone is what was wanted, also when a first answer got lost.
            if error.reason != Reason.GONE:
                raise

    def _once(self, request: Request, look: Callable[[], T | None], shape: Callable[[Any], T]) -> T:
        """Make a request that must take effect once: after a failure, look whether it did."""
        for faults in range(1, MOST_FAULTS + 2):
            try:
                return shape(self._calls.json(request))
            except InDoubt as doubt:
                if (found := look()) is not None:
                    return found
                fault = str(doubt)
                if faults > MOST_FAULTS:
                    break
                self._calls.pause(faults, fault)
        told = f"Netlify could not be used while {request.doing}: {fault} Try again later."
        raise HostError(Reason.UNREACHABLE, told)
