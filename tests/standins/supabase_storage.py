"""Stand in for Supabase Storage: buckets, objects, signed addresses and resumable uploads.

Paths, bodies and statuses are those of https://github.com/supabase/storage: an error's status is 400, and the
true one stands in its body.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import jwt

from . import storage_shapes as shapes
from .server import Answer, Asked, as_json
from .storage_uploads import ResumableUploads

_PREFIX = "/storage/v1/"
_SECRET = "the secret that a stand-in signs with"
_CODES = {
    "Bucket not found": "NoSuchBucket",
    "not_found": "NoSuchKey",
    "Unauthorized": "AccessDenied",
    "Error": "InvalidRequest",
    "invalid_range": "InvalidRange",
}


class Refused(Exception):
    def __init__(self, status: int, error: str, message: str, code: str = "") -> None:
        code = code or _CODES.get(error, error)
        told = {"statusCode": str(status), "error": error, "message": message, "code": code}
        self.answer = as_json(told, 416 if status == 416 else 400)


class SupabaseStorageStandIn(ResumableUploads):
    """Keep objects in memory; tests look into `buckets`, and set how uploads are disturbed."""

    key = "sb_secret_of_the_stand_in"
    # Valid, but without rights: row level security hides everything from it.
    anon_key = jwt.encode({"role": "anon"}, _SECRET, "HS256")
    key_of_another_project = jwt.encode(
        {"role": "service_role"}, "another project's secret of 32 bytes", "HS256"
    )

    def __init__(self) -> None:
        super().__init__()
        self.buckets: dict[str, dict[str, bytes]] = {"artifacts": {}}
        # Answer so many requests with 503.
        self.busy = 0
        # What a gateway in front of it answers to everything.
        self.in_its_place: Answer | None = None
        # Change what is stored, as a failing disk would.
        self.spoil = False
        # The longest body that a proxy in front of it lets through; 0: any.
        self.longest_body = 0
        # Answer everything with a redirect to this service.
        self.redirect = ""
        self.public: set[str] = set()
        self.limits: dict[str, object] = {"file_size_limit": None, "allowed_mime_types": None}
        # Sent with the answers while it is busy.
        self.retry_after = ""
        # How old every object is.
        self.age = timedelta()
        # Seconds that signatures have aged.
        self._aged = 0.0

    def expire_signatures(self) -> None:
        self._aged += 3600

    @property
    def url(self) -> str:
        return f"{self.origin}{_PREFIX}".rstrip("/")

    @property
    def objects(self) -> dict[str, bytes]:
        return self.buckets["artifacts"]

    def answer(self, asked: Asked) -> Answer:
        if self.busy:
            self.busy -= 1
            return Answer(503, b"busy", {"Retry-After": self.retry_after} if self.retry_after else {})
        if self.in_its_place:
            return self.in_its_place
        if 0 < self.longest_body < len(asked.body):
            return Answer(413, b"<html>Request Entity Too Large</html>")
        if self.redirect:
            return Answer(307, b"", {"Location": self.redirect})
        path = unquote(urlsplit(asked.path).path).removeprefix(_PREFIX)
        query = parse_qs(urlsplit(asked.path).query)
        try:
            if asked.method in ("GET", "HEAD") and path.startswith("object/sign/"):
                return self._signed(asked, path.removeprefix("object/sign/"), query)
            if asked.method == "OPTIONS":
                return Answer(204)
            if asked.headers.get("authorization") == f"Bearer {self.anon_key}":
                return self._anonymous(asked, path)
            if asked.headers.get("authorization") != f"Bearer {self.key}":
                self._refuse_key(asked, path)
            if path.startswith("upload/resumable"):
                return self._resumable(asked, path.removeprefix("upload/resumable").lstrip("/"))
            return self._ask(asked, path)
        except shapes.NoSuchRange:
            return Refused(416, "invalid_range", "invalid range provided").answer
        except Refused as refused:
            return Answer(400) if asked.method == "HEAD" else refused.answer

    def _refuse_key(self, asked: Asked, path: str) -> None:
        """Public routes look only for a public bucket; the others read the key."""
        if asked.method == "GET" and path.startswith(("object/info/", "object/public/")):
            raise Refused(404, "Bucket not found", "Bucket not found")
        is_jwt = asked.headers.get("authorization", "").count(".") == 2
        message = "signature verification failed" if is_jwt else "Invalid Compact JWS"
        raise Refused(403, "Unauthorized", message)

    def _anonymous(self, asked: Asked, path: str) -> Answer:
        if (
            asked.method == "DELETE"
            or path.startswith("object/list/")
            or (asked.method, path) == ("GET", "bucket")
        ):
            return as_json([])
        if asked.method == "GET" and path.startswith("bucket/"):
            raise Refused(404, "Bucket not found", "Bucket not found")
        if asked.method in ("GET", "HEAD") or path.startswith("object/sign/"):
            raise Refused(404, "not_found", "Object not found")
        if path.startswith("upload/resumable"):
            return Answer(403, b"new row violates row-level security policy")
        raise Refused(403, "Unauthorized", "new row violates row-level security policy")

    def _ask(self, asked: Asked, path: str) -> Answer:
        match asked.method, path.split("/"):
            case "GET", ["bucket"]:
                return as_json([self._described(name) for name in self.buckets])
            case "GET", ["bucket", bucket]:
                self._bucket(bucket)
                return as_json(self._described(bucket))
            case "POST", ["bucket"] if asked.json["id"] in self.buckets:
                raise Refused(409, "Duplicate", "The resource already exists", "BucketAlreadyExists")
            case "POST", ["bucket"]:
                self.buckets[asked.json["id"]] = {}
                if asked.json.get("public"):
                    self.public.add(asked.json["id"])
                return as_json({"name": asked.json["name"]})
            case "PUT", ["bucket", bucket]:
                self._bucket(bucket)
                self.public = self.public | {bucket} if asked.json["public"] else self.public - {bucket}
                self.limits |= {name: asked.json[name] for name in self.limits if name in asked.json}
                return as_json({"message": "Successfully updated"})
            case "POST", ["object", "list", bucket]:
                return as_json(self._list(self.buckets.get(bucket, {}), asked.json))
            case "POST", ["object", "sign", bucket, *name]:
                return self._sign(bucket, "/".join(name), asked.json["expiresIn"])
            case "GET", ["object", "info", "authenticated", bucket, *name] | [
                "object",
                "info",
                bucket,
                *name,
            ]:
                info = self._info(bucket, "/".join(name))
                return as_json(info, ETag=str(info["etag"]))
            case (("GET" | "HEAD"), ["object", "authenticated", bucket, *name] | ["object", bucket, *name]):
                return shapes.content(asked, self._object(bucket, "/".join(name)))
            case "POST", ["object", bucket, *name]:
                upsert = asked.headers.get("x-upsert") == "true"
                self._put(bucket, "/".join(name), asked.body, upsert=upsert)
                return as_json({"Key": f"{bucket}/{'/'.join(name)}", "Id": str(uuid.uuid4())})
            case "DELETE", ["object", bucket, _, *_]:
                raise Refused(404, "not_found", "Object not found")
            case "DELETE", ["object", bucket]:
                objects = self.buckets.get(bucket, {})
                names = [name for name in asked.json["prefixes"] if name in objects]
                return as_json(
                    [shapes.removed(bucket, name, objects.pop(name), self._time) for name in names]
                )
        return as_json({"message": f"Route {asked.method}:{path} not found", "statusCode": 404}, 404)

    def _described(self, name: str) -> dict[str, object]:
        times = dict.fromkeys(("created_at", "updated_at"), shapes.time_of(self._time))
        return {"id": name, "name": name, "owner": "", "public": name in self.public, **self.limits, **times}

    def _bucket(self, name: str) -> dict[str, bytes]:
        if name not in self.buckets:
            raise Refused(404, "Bucket not found", "Bucket not found")
        return self.buckets[name]

    def _object(self, bucket: str, name: str) -> bytes:
        if name not in self._bucket(bucket):
            raise Refused(404, "not_found", "Object not found")
        return self.buckets[bucket][name]

    def _put(self, bucket: str, name: str, data: bytes, *, upsert: bool) -> None:
        if not shapes.is_key(name):
            raise Refused(400, "InvalidKey", f"Invalid key: {name}")
        if name in self._bucket(bucket) and not upsert:
            raise Refused(409, "Duplicate", "The resource already exists", "KeyAlreadyExists")
        self.buckets[bucket][name] = bytes(data[:-1]) + b"?" if self.spoil else bytes(data)

    @property
    def _time(self) -> datetime:
        return datetime.now(UTC) - self.age

    def _list(self, objects: dict[str, bytes], asked: dict[str, Any]) -> list[dict[str, object]]:
        prefix = f"{asked['prefix']}/" if asked["prefix"] else ""
        found: dict[str, dict[str, object]] = {}
        for name in sorted(each for each in objects if each.startswith(prefix)):
            first, _, rest = name.removeprefix(prefix).partition("/")
            found[first] = shapes.entry(first, None if rest else objects[name], self._time)
        offset = asked.get("offset", 0)
        return list(found.values())[offset : offset + asked.get("limit", 100)]

    def _info(self, bucket: str, name: str) -> dict[str, object]:
        is_resumed = any((each.bucket, each.name) == (bucket, name) for each in self.uploads.values())
        data = self._object(bucket, name)
        return shapes.info(bucket, name, data, self._time, is_resumed=is_resumed)

    def _sign(self, bucket: str, name: str, seconds: int) -> Answer:
        if seconds < 1:
            raise Refused(400, "Error", "body/expiresIn must be >= 1")
        if name not in self.buckets.get(bucket, {}):
            raise Refused(404, "not_found", "Object not found")
        token = jwt.encode({"url": f"{bucket}/{name}", "exp": time.time() + seconds}, _SECRET, "HS256")
        return as_json({"signedURL": f"/object/sign/{bucket}/{name}?token={token}"})

    def _signed(self, asked: Asked, path: str, query: dict[str, list[str]]) -> Answer:
        if "token" not in query:
            raise Refused(400, "Error", "querystring must have required property 'token'")
        try:
            claims = jwt.decode(query["token"][0], _SECRET, ["HS256"], options={"verify_exp": False})
        except jwt.InvalidTokenError as error:
            raise Refused(400, "InvalidJWT", "signature verification failed") from error
        if claims["exp"] < time.time() + self._aged:
            raise Refused(400, "InvalidJWT", '"exp" claim timestamp check failed')
        if claims["url"] != path:
            raise Refused(400, "InvalidSignature", "Invalid signature")
        bucket, _, name = path.partition("/")
        named = {}
        if "download" in query:
            quoted = quote(query["download"][0])
            named = {"Content-Disposition": f"attachment; filename={quoted}; filename*=UTF-8''{quoted}"}
        return shapes.content(asked, self._object(bucket, name), named)


def settings_of(stand_in: SupabaseStorageStandIn, **options: object) -> dict[str, object]:
    """Return the entry of STORAGES that leads to a stand-in."""
    return {
        "BACKEND": "builds.artifacts.supabase.SupabaseStorage",
        "OPTIONS": {
            "url": stand_in.url, "key": stand_in.key, "bucket": "artifacts", "pause": 0.001, **options
        },
    }  # fmt: skip
