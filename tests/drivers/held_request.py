"""Hold back a request of a page, so that something else comes before its answer."""

from __future__ import annotations

from playwright.sync_api import Page, Response, Route


class HeldRequest:
    """The first request of a page to what `pattern` matches, of those with `header`; later ones pass."""

    def __init__(self, page: Page, pattern: str, *, header: str = "") -> None:
        self._page, self._header = page, header
        self._held: list[Route] = []
        page.route(pattern, self._take)

    def _take(self, route: Route) -> None:
        if self._held or (self._header and self._header not in route.request.headers):
            route.continue_()
        else:
            self._held.append(route)

    def wait(self) -> Route:
        """Return it once the page has sent it; raise AssertionError if it does not within a minute."""
        for _ in range(3000):
            if self._held:
                return self._held[0]
            self._page.wait_for_timeout(20)  # in which the browser's events arrive
        raise AssertionError("The page did not send the request.")

    def let_go(self) -> Response:
        """Let it through; return the response once the page has all of it."""
        route = self.wait()
        with self._page.expect_response(lambda response: response.request == route.request) as answer:
            route.continue_()
        answer.value.finished()
        return answer.value
