"""The server of Netlify's API: routes, authentication, trouble."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.standins.netlify_blobs import NetlifyBlobs
from tests.standins.server import Answer, Asked, StandIn, as_html, as_json

from . import deploys, environment, sites
from .edge import Edge
from .oauth import OAuth
from .state import State
from .trouble import Trouble, Weather

PREFIX = "/api/v1"
TOKEN = "nfp_0123456789abcdefghij"
Handler = Callable[..., Answer]

ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/user", sites.user),
    ("GET", "/accounts", sites.accounts),
    ("GET", "/sites", sites.list_sites),
    ("POST", "/sites", sites.create),
    ("POST", "/(?P<slug>[a-z0-9-]+)/sites", sites.create),
    ("GET", "/sites/(?P<site_id>[^/]+)", sites.get),
    ("DELETE", "/sites/(?P<site_id>[^/]+)", sites.delete),
    ("GET", "/sites/(?P<site_id>[^/]+)/deploys", deploys.list_deploys),
    ("POST", "/sites/(?P<site_id>[^/]+)/deploys", deploys.create),
    ("GET", "/sites/(?P<site_id>[^/]+)/deploys/(?P<deploy_id>[^/]+)", deploys.get),
    ("PUT", "/sites/(?P<site_id>[^/]+)/deploys/(?P<deploy_id>[^/]+)", deploys.update),
    ("POST", "/sites/(?P<site_id>[^/]+)/deploys/(?P<deploy_id>[^/]+)/restore", deploys.restore),
    ("GET", "/deploys/(?P<deploy_id>[^/]+)", deploys.get),
    ("DELETE", "/deploys/(?P<deploy_id>[^/]+)", deploys.delete),
    ("POST", "/deploys/(?P<deploy_id>[^/]+)/cancel", deploys.cancel),
    ("POST", "/deploys/(?P<deploy_id>[^/]+)/lock", deploys.lock),
    ("POST", "/deploys/(?P<deploy_id>[^/]+)/unlock", deploys.unlock),
    ("PUT", "/deploys/(?P<deploy_id>[^/]+)/files/(?P<path>.+)", deploys.upload_file),
    ("PUT", "/deploys/(?P<deploy_id>[^/]+)/functions/(?P<name>[^/]+)", deploys.upload_function),
    ("GET", "/accounts/(?P<account_id>[^/]+)/env", environment.list_variables),
    ("GET", "/sites/(?P<site_id>[^/]+)/env", environment.of_site),
    ("POST", "/accounts/(?P<account_id>[^/]+)/env", environment.create),
    ("GET", "/accounts/(?P<account_id>[^/]+)/env/(?P<key>[^/]+)", environment.get),
    ("PUT", "/accounts/(?P<account_id>[^/]+)/env/(?P<key>[^/]+)", environment.change),
    ("PATCH", "/accounts/(?P<account_id>[^/]+)/env/(?P<key>[^/]+)", environment.set_value),
    ("DELETE", "/accounts/(?P<account_id>[^/]+)/env/(?P<key>[^/]+)", environment.delete),
]


def refuse(status: int, message: str) -> Answer:
    return as_json({"code": status, "message": message}, status)


class NetlifyStandIn(StandIn):
    """Netlify on three ports: the API, the edge with the deployed sites, and the sites' Blobs.

    Modes: `weather` breaks requests; `stuck` leaves deploys in `processing`; `fails_with` ends them in
    `error`; `refuses_env_scopes` is a plan without granular scopes; `quota` refuses new deploys.
    """

    def __init__(self, token: str = TOKEN, *, invoke: Any = None) -> None:
        super().__init__()
        self.token = token
        self.state = State()
        self.weather = Weather()
        self.stuck = False
        self.fails_with = ""
        self.quota = False
        self.refuses_env_scopes = False
        self.largest_function = 50 * 1024 * 1024
        self.blobs = NetlifyBlobs()
        self.edge = Edge(self.state, invoke, self.blobs.field)
        self.oauth = OAuth(self)

    @property
    def url(self) -> str:
        return f"{self.origin}{PREFIX}"

    def __enter__(self) -> Self:
        self.blobs.__enter__()
        self.edge.start()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.weather.let_go()
        super().__exit__(*error)
        self.edge.stop()
        self.blobs.__exit__(*error)

    def cuts(self, method: str, path: str) -> bool:
        if method not in ("PUT", "POST"):
            return False
        line = f"{method} {path}"
        for plan in self.weather.plans:
            if plan.kind == "cut" and plan.fits(line):
                return self.weather.next(line) is not None
        return False

    def answer(self, asked: Asked) -> Answer:
        trouble = self.weather.next(f"{asked.method} {asked.path}")
        if trouble is not None:
            return self._troubled(trouble, asked)
        return self._routed(asked)

    def _troubled(self, trouble: Trouble, asked: Asked) -> Answer:
        match trouble.kind:
            case "429":
                body = {"code": 429, "message": "API rate limit exceeded"}
                return as_json(body, 429, **{"X-RateLimit-Reset": self.weather.reset_header()})
            case "500":
                return as_json({"error": "internal"}, 500)
            case "502":
                return as_html(502)
            case "401":
                return refuse(401, "Access Denied")
            case "before":
                self.weather.hold()
                return self._routed(asked)
            case "after":
                answer = self._routed(asked)
                self.weather.hold()
                return answer
            case "lost":
                self._routed(asked)
        return Answer(reset=True)

    def _routed(self, asked: Asked) -> Answer:
        if (answer := self.oauth.answer(asked)) is not None:
            return answer
        parts = urlsplit(asked.path)
        path = parts.path.removeprefix(PREFIX)
        # The API description has one path with the prefix twice, and the CLI uses it.
        path = path.removeprefix(PREFIX)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return refuse(401, "Access Denied")
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        for method, pattern, handler in ROUTES:
            match = re.fullmatch(pattern, path)
            if method == asked.method and match:
                with self.state.lock:
                    named = {name: unquote(value) for name, value in match.groupdict().items()}
                    return handler(self, asked, query, **named)
        return refuse(404, "Not Found")
