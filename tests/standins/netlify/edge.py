"""Serve deployed sites, each site and each deploy at its own loopback address.

`127.1.x.y` is a site, `127.2.x.y` a deploy's permalink, so that no name has to be resolved.
"""

from __future__ import annotations

import base64
import mimetypes
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.standins.server import ThreadingServer

from .state import Deploy, Json, Site, State

# (zip, environment, event) → the function's response.
Invoke = Callable[[bytes, dict[str, str], Json], Json]
_FUNCTIONS = "/.netlify/functions/"


_LONGEST_HOLD = 90.0


class Hold:
    """Holds requests, each in its own thread."""

    def __init__(self) -> None:
        self._held = threading.Event()
        self._go_on = threading.Event()

    def pass_by(self) -> None:
        self._held.set()
        self._go_on.wait(_LONGEST_HOLD)

    def wait_until_held(self) -> None:
        assert self._held.wait(_LONGEST_HOLD), "no request was held back"

    def let_go(self) -> None:
        self._go_on.set()


class Edge:
    def __init__(self, state: State, invoke: Invoke | None, blobs: str) -> None:
        """Hand `blobs`, the access to the sites' Blobs, to each function with its event."""
        self._state = state
        self.blobs = blobs
        self.invoke = invoke
        self._server = ThreadingServer(("0.0.0.0", 0), _handler(self))  # noqa: S104 - all of 127/8
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._holds: dict[str, Hold] = {}

    def hold(self, addresses: str) -> Hold:
        """Hold requests whose address starts with this, until the test releases them."""
        hold = self._holds[addresses] = Hold()
        return hold

    def pass_by(self, address: str) -> None:
        for hold in [hold for start, hold in self._holds.items() if address.startswith(start)]:
            hold.pass_by()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        for hold in self._holds.values():
            hold.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def site_url(self, site: Site) -> str:
        return f"http://127.1.{site.number // 250}.{site.number % 250 + 1}:{self.port}"

    def deploy_url(self, deploy: Deploy) -> str:
        return f"http://127.2.{deploy.number // 250}.{deploy.number % 250 + 1}:{self.port}"

    def hosts(self, most: int = 60) -> list[str]:
        """Return the addresses of the first sites and deploys, for the list of allowed hosts."""
        return [f"127.{kind}.0.{last}:{self.port}" for kind in (1, 2) for last in range(1, most)]

    def deploy_at(self, address: str) -> Deploy | None:
        """Return the deploy at an address."""
        _, kind, high, low = map(int, address.split("."))
        number = high * 250 + low - 1
        with self._state.lock:
            if kind == 1:
                site = next((site for site in self._state.sites.values() if site.number == number), None)
                return self._state.deploys.get(site.published) if site else None
            deploys = (d for d in self._state.deploys.values() if d.number == number)
            return next((d for d in deploys if d.state in ("processed", "ready")), None)

    def rewritten(self, deploy: Deploy, path: str) -> str:
        """Apply the deploy's `_redirects`: only rewrites (status 200) with a trailing splat."""
        for line in self.text(deploy, "_redirects").splitlines():
            words = line.split()
            if len(words) == 3 and words[2].startswith("200"):
                pattern = re.escape(words[0]).replace(r"\*", "(.*)")
                if match := re.fullmatch(pattern, path):
                    return words[1].replace(":splat", match.group(1) if match.groups() else "")
        return path

    def headers(self, deploy: Deploy, path: str) -> list[tuple[str, str]]:
        """Return the headers of a path in the deploy's `_headers`."""
        headers, applies = [], False
        for line in self.text(deploy, "_headers").splitlines():
            if line.strip() and not line[0].isspace():
                applies = re.fullmatch(re.escape(line.strip()).replace(r"\*", ".*"), path) is not None
            elif applies and ":" in line:
                name, _, value = line.strip().partition(":")
                headers.append((name, value.strip()))
        return headers

    def text(self, deploy: Deploy, path: str) -> str:
        return (self.content(deploy, path) or b"").decode()

    def content(self, deploy: Deploy, path: str) -> bytes | None:
        return self._state.contents.get(deploy.files.get(path, ""))

    def variables(self, deploy: Deploy) -> dict[str, str]:
        site = self._state.sites[deploy.site_id]
        own = {entry["key"]: entry["value"] for entry in deploy.environment}
        return {**(deploy.variables or self._state.variables_of(site)), **own}

    def zip_of(self, deploy: Deploy, name: str) -> bytes | None:
        return self._state.zips.get(deploy.functions.get(name, ""))


def _handler(edge: Edge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = self.connection.getsockname()[0]
            edge.pass_by(address)
            deploy = edge.deploy_at(address)
            if deploy is None:
                return self._send(404, [], b"Not Found")
            parts = urlsplit(self.path)
            path = edge.rewritten(deploy, unquote(parts.path))
            if path.startswith(_FUNCTIONS):
                return self._invoke(deploy, path, parts.query, body)
            for candidate in (
                path.strip("/"),
                f"{path.strip('/')}/index.html".strip("/"),
                f"{path[1:]}.html",
            ):
                content = edge.content(deploy, candidate)
                if content is not None:
                    kind = mimetypes.guess_type(candidate)[0] or "application/octet-stream"
                    headers = [("Content-Type", kind), *edge.headers(deploy, unquote(parts.path))]
                    return self._send(200, headers, content)
            self._send(404, [], b"Not Found")

        def _invoke(self, deploy: Deploy, path: str, query: str, body: bytes) -> None:
            name = path.removeprefix(_FUNCTIONS).split("/")[0]
            content = edge.zip_of(deploy, name)
            if content is None or edge.invoke is None:
                return self._send(404, [], b"No such function")
            # A rewritten request keeps the original URL.
            event = self._event(deploy, urlsplit(self.path).path, query, body)
            answer = edge.invoke(content, edge.variables(deploy), event)
            text = answer.get("body") or ""
            raw = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
            headers = list((answer.get("headers") or {}).items())
            for key, values in (answer.get("multiValueHeaders") or {}).items():
                headers += [(key, value) for value in values]
            self._send(int(answer.get("statusCode", 500)), headers, raw)

        def _event(self, deploy: Deploy, path: str, query: str, body: bytes) -> Json:
            peer = self.client_address[0]
            headers = {key.lower(): value for key, value in self.headers.items()}
            headers |= {"x-nf-client-connection-ip": peer, "x-forwarded-for": peer}
            headers["x-nf-site-id"] = deploy.site_id
            return {
                "path": path,
                "httpMethod": self.command,
                "headers": headers,
                "multiValueHeaders": {key: [value] for key, value in headers.items()},
                "queryStringParameters": dict(parse_qsl(query)),
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
                "rawUrl": f"http://{self.headers.get('Host')}{self.path}",
                "rawQuery": query,
                "blobs": edge.blobs,
            }

        def _send(self, status: int, headers: list[Any], body: bytes) -> None:
            self.send_response(status)
            for key, value in headers:
                if key.lower() != "content-length":
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _serve

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    return Handler
