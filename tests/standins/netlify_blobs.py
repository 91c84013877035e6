"""Stand in for Netlify Blobs: its edge, as functions use it, and its part of Netlify's API.

It follows the package @netlify/blobs 10, and keeps its condition (`If-None-Match: *`) also for requests at
the same time. Only what it needs to create, list and delete is there.
"""

from __future__ import annotations

import base64
import json
import threading
from urllib.parse import unquote, urlsplit

from .server import Answer, Asked, StandIn, as_json

_API = "/api/v1/blobs"
_SIGNED = "application/json;type=signed-url"


def encoded(value: object) -> str:
    """Return JSON in base64, as the platform hands it to functions."""
    return base64.b64encode(json.dumps(value).encode()).decode()


class BlobsAccess:
    """What opens the stores at an origin, as a function gets it."""

    site, token = "site-1", "blobs-token-1"

    @property
    def origin(self) -> str:
        raise NotImplementedError

    @property
    def field(self) -> str:
        """Return what the platform gives as the field `blobs` of an event."""
        return encoded({"url": self.origin, "token": self.token})

    @property
    def context(self) -> str:
        """Return a NETLIFY_BLOBS_CONTEXT for access through the API."""
        return encoded({"apiURL": self.origin, "siteID": self.site, "token": self.token})


class NetlifyBlobs(StandIn, BlobsAccess):
    """Serve the stores of every site to the holder of one token."""

    def __init__(self) -> None:
        super().__init__()
        # By path: site, store and key.
        self.blobs: dict[str, bytes] = {}
        # The status of every answer, if it is not to serve.
        self.broken = 0
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Answer:
        if self.broken:
            return Answer(self.broken)
        url = urlsplit(asked.path)
        is_signed = url.query == f"signature={self.token}"
        if not is_signed and asked.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(403)
        path = unquote(url.path)
        if path.startswith(_API) and asked.headers.get("accept") == _SIGNED:
            return as_json({"url": f"{self.origin}{path.removeprefix(_API)}?signature={self.token}"})
        return self._serve(asked, path.removeprefix(_API).removeprefix("/"))

    def _serve(self, asked: Asked, path: str) -> Answer:
        site, store, *key = path.split("/", 2)
        with self._lock:
            match asked.method:
                case "PUT" if asked.headers.get("if-none-match") == "*" and path in self.blobs:
                    return Answer(412)
                case "PUT" if key:
                    self.blobs[path] = asked.body
                    return Answer(200, headers={"ETag": '"1"'})
                case "DELETE" if key:
                    self.blobs.pop(path, None)
                    return Answer(204)
                case "GET" if not key:
                    place = f"{site}/{store}/"
                    keys = [each.removeprefix(place) for each in self.blobs if each.startswith(place)]
                    return as_json({"blobs": [{"key": each, "etag": '"1"'} for each in keys]})
        return Answer(405)
