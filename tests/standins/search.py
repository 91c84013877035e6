"""Stand in for the services that search the web, with the bodies that they document.

https://api-dashboard.search.brave.com/api-reference/web/search/get
https://docs.tavily.com/api-reference/endpoint/search
https://docs.searxng.org/dev/search_api.html

`mode` is how a search fails; a slow service answers once `go_on` is set again. `pages` are what they find.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from .server import Answer, Asked, StandIn, as_html, as_json

Mode = Literal["", "unauthorized", "limited", "forbidden", "malformed", "redirect", "huge", "slow"]
Page = tuple[str, str, str]
PAGES: list[Page] = [
    ("Tides", "https://www.sea.example/tides", "They turn twice a day."),
    ("The moon", "https://sky.example/moon", "It pulls."),
]


class SearchStandIn(StandIn):
    """A service without a key."""

    path = "/search"

    def __init__(self, key: str = "") -> None:
        super().__init__()
        self.key = key
        self.pages = list(PAGES)
        self._mode: Mode = ""

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "slow":
            self.go_on.clear()

    @property
    def url(self) -> str:
        return self.origin

    def answer(self, asked: Asked) -> Answer:
        if urlsplit(asked.path).path != self.path:
            return as_html(404)
        match self._mode:
            case "malformed":
                return as_html(200)
            case "redirect":
                return Answer(302, headers={"Location": f"{self.origin}/elsewhere"})
            case "huge":
                return Answer(200, b" " * (3 * 1024 * 1024))
        refused = self._mode == "unauthorized" or (self.key and self.key_of(asked) != self.key)
        status = 401 if refused else {"limited": 429, "forbidden": 403}.get(self._mode, 200)
        return as_json(self.body(asked) if status == 200 else self.error(status), status)

    def key_of(self, asked: Asked) -> str:
        return ""

    def error(self, status: int) -> Any:
        return {"error": "no"}

    def body(self, asked: Asked) -> Any:
        raise NotImplementedError


class SearXNGStandIn(SearchStandIn):
    def body(self, asked: Asked) -> Any:
        fields = parse_qs(urlsplit(asked.path).query)
        if fields.get("format") != ["json"]:
            return "<!DOCTYPE html>"
        results = [
            {"title": title, "url": url, "content": snippet, "engine": "brave", "category": "general"}
            for title, url, snippet in self.pages
        ]
        further: dict[str, Any] = {"answers": [], "corrections": [], "infoboxes": [], "suggestions": []}
        return {"query": fields["q"][0], "number_of_results": 0, "results": results, **further}


class BraveStandIn(SearchStandIn):
    path = "/res/v1/web/search"

    @property
    def url(self) -> str:
        return f"{self.origin}/res/v1"

    def key_of(self, asked: Asked) -> str:
        return asked.headers.get("x-subscription-token", "")

    def error(self, status: int) -> Any:
        code = "RATE_LIMITED" if status == 429 else "SUBSCRIPTION_TOKEN_INVALID"
        detail = f"No search with {self.key}."
        return {"type": "ErrorResponse", "error": {"status": status, "code": code, "detail": detail}}

    def body(self, asked: Asked) -> Any:
        fields = parse_qs(urlsplit(asked.path).query)
        results = [
            {"type": "search_result", "title": title, "url": url, "description": snippet}
            for title, url, snippet in self.pages[: int(fields["count"][0])]
        ]
        return {
            "type": "search",
            "query": {"original": fields["q"][0], "more_results_available": False},
            "web": {"type": "search", "results": results},
        }


class TavilyStandIn(SearchStandIn):
    def key_of(self, asked: Asked) -> str:
        return asked.headers.get("authorization", "").removeprefix("Bearer ")

    def error(self, status: int) -> Any:
        return {"detail": {"error": "Unauthorized: missing or invalid API key."}}

    def body(self, asked: Asked) -> Any:
        results = [
            {"title": title, "url": url, "content": snippet, "score": 0.9, "raw_content": None}
            for title, url, snippet in self.pages[: asked.json["max_results"]]
        ]
        return {
            "query": asked.json["query"],
            "follow_up_questions": None,
            "answer": None,
            "images": [],
            "results": results,
            "response_time": 0.4,
            "request_id": "1",
        }


STANDINS: dict[str, type[SearchStandIn]] = {
    "brave": BraveStandIn,
    "tavily": TavilyStandIn,
    "searxng": SearXNGStandIn,
}
