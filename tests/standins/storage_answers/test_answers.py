"""The stand-in of Supabase Storage answers as the real one did (`real.jsonl`), request by request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.standins.storage_uploads import MB
from tests.standins.supabase_storage import SupabaseStorageStandIn

REAL = [json.loads(line) for line in Path(__file__).with_name("real.jsonl").read_text().splitlines()]
OTHER_PROJECT = SupabaseStorageStandIn.key_of_another_project
# What was sent, where the situation is not told apart by its path.
BODIES: dict[str, Any] = {
    "upload small": b"hello world",
    "upload small again, no upsert": b"hello world",
    "upload small again, upsert": b"hello world",
    "upload with plus, brackets": b"hello world",
    "list folder": {"prefix": "ab"},
    "list offset past end": {"prefix": "ab", "offset": 1000},
    "sign 1s": {"expiresIn": 1},
    "sign expiresIn 0": {"expiresIn": 0},
    "delete one": {"prefixes": ["ab/empty"]},
    "TUS PATCH 6 MB": bytes(6 * MB),
    "TUS PATCH at wrong offset": bytes(MB),
    "TUS PATCH odd size (1 MB in the middle)": bytes(MB),
    "TUS PATCH last 5 MB": bytes(5 * MB),
    "TUS PATCH without x-upsert of an existing name": b"12345",
    "TUS PATCH more bytes than declared": b"1234567890",
    "TUS PATCH unknown id": b"12345",
}
SENT: dict[str, dict[str, str]] = {
    "get range": {"Range": "bytes=3-5"},
    "get range beyond": {"Range": "bytes=100-"},
    "signed GET range": {"Range": "bytes=0-4"},
    "signed GET If-None-Match": {"If-None-Match": '"5eb63bbbe01eeed093cb22bb8f5acdc3"'},
}


class Replay:
    """Repeats the requests on the stand-in, with its own tokens and ids of uploads."""

    def __init__(self, service: SupabaseStorageStandIn, client: httpx.Client) -> None:
        self._service, self._client = service, client
        self._uploads: dict[str, str] = {}
        self._token = ""

    def repeat(self, real: dict[str, Any]) -> httpx.Response:
        situation = real["situation"]
        if situation == "create bucket, anon key":
            self._service.buckets.clear()
        if situation == "signed GET expired":
            self._service.expire_signatures()
        body = BODIES.get(situation, _usual_body(real))
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        headers = {**real["sent"], **SENT.get(situation, {}), **self._authorization(real)}
        if content and not isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
        answer = self._client.request(real["method"], self._url(real), content=content, headers=headers)
        if "upload" in real and answer.status_code == 201:
            self._uploads[real["upload"]] = answer.headers["location"].rpartition("/")[2]
        if real["path"].startswith("object/sign/") and real["method"] == "POST" and answer.is_success:
            self._token = answer.json()["signedURL"].partition("token=")[2]
        return answer

    def _authorization(self, real: dict[str, Any]) -> dict[str, str]:
        kind = real["situation"].partition(" key")[0]
        keys = {"service": self._service.key, "anon": self._service.anon_key, None: ""}
        key = keys.get(real["key"], "rubbish")
        if real["situation"].startswith("JWT of another"):
            key = OTHER_PROJECT
        if kind == "sb_secret":
            key = "sb_secret_of_somebody"
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _url(self, real: dict[str, Any]) -> str:
        token = self._token[:-4] + "AAAA" if "tampered" in real["situation"] else self._token
        path = real["path"].replace("<jwt>", token)
        folder, _, last = path.rpartition("/")
        if folder == "upload/resumable":
            path = f"{folder}/{self._uploads.get(last, last)}"
        return f"{self._service.url}/{path}"


def _usual_body(real: dict[str, Any]) -> object:
    path, method = real["path"], real["method"]
    if method == "POST" and path == "bucket":
        return {"id": "artifacts", "name": "artifacts", "public": False}
    if path.startswith("object/list/"):
        return {"prefix": ""}
    if method == "POST" and path.startswith("object/sign/"):
        return {"expiresIn": 60}
    if method == "DELETE" and path == "object/artifacts":
        return {"prefixes": ["ab/nope"]}
    return None


def _shape(value: object) -> object:
    """Return the names in a JSON value, without the values that differ from run to run."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return type(value).__name__ if value is not None else None


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with SupabaseStorageStandIn() as service, httpx.Client() as client:
        service.buckets.clear()
        yield Replay(service, client)


def test_every_answer_is_the_real_one(replay: Replay) -> None:
    """One test, as each request builds on those before it."""
    assert [wrong for real in REAL for wrong in differences(real, replay.repeat(real))] == []


def differences(real: dict[str, Any], answer: httpx.Response) -> Iterator[str]:
    """Yield what differs: status, errors word by word, the shape of other JSON, and headers."""
    where, expected = real["situation"], real["body"]
    if answer.status_code != real["status"]:
        yield f"{where}: {answer.status_code} instead of {real['status']}"
    for name, value in real["headers"].items():
        # The bytes of resumable uploads were others.
        if answer.headers.get(name) != value and (name != "etag" or not real["path"].endswith("/t1")):
            yield f"{where}: {name} is {answer.headers.get(name)} instead of {value}"
    if isinstance(expected, (dict, list)) and answer.headers.get("content-type", "").startswith(
        "application/json"
    ):
        got = answer.json()
        is_error = isinstance(expected, dict) and "statusCode" in expected
        if got != expected if is_error else _shape(got) != _shape(expected):
            yield f"{where}: {got} instead of {expected}"
    elif answer.text != expected and "Invalid key: local/" not in str(expected):
        yield f"{where}: {answer.text[:100]!r} instead of {str(expected)[:100]!r}"
