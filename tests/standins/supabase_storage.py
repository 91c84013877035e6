"""Stand in for Supabase Storage: buckets, objects, signed addresses and resumable uploads.

Paths, bodies and statuses are those of https://github.com/supabase/storage: an error's status is 400, and the
true one stands in its body.
"""

from __future__ import annotations

import base64
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import jwt

from .server import Answer, Asked, StandIn, as_json

_PREFIX = "/storage/v1/"
_SECRET = "the secret that a stand-in signs with"
_PIECE = 6 * 1024 * 1024


class Refused(Exception):
    def __init__(self, status: int, error: str, message: str) -> None:
        self.answer = as_json({"statusCode": str(status), "error": error, "message": message}, 400)


@dataclass
class Upload:
    bucket: str
    name: str
    length: int
    data: bytearray = field(default_factory=bytearray)


class SupabaseStorageStandIn(StandIn):
    """Keep objects in memory; tests look into `buckets`, and set how uploads are disturbed."""

    key = "sb_secret_of_the_stand_in"
    # Valid, but without rights: row level security hides everything from it.
    anon_key = jwt.encode({"role": "anon"}, _SECRET, "HS256")

    def __init__(self) -> None:
        super().__init__()
        self.buckets: dict[str, dict[str, bytes]] = {"artifacts": {}}
        self.uploads: dict[str, Upload] = {}
        # Cut the connection once when an upload has so many bytes; answer so many requests with 503.
        self.cut_at: int | None = None
        self.busy = 0
        # Change what is stored, as a failing disk would.
        self.spoil = False
        # The prefix of `Location`, where it isn't the address that was asked; None: that address.
        self.location: str | None = None
        # Refuse to complete so many uploads: 500, and the upload is gone (410).
        self.incomplete = 0
        # Forget the upload once it has so many bytes, and close without reading the next piece.
        self.forget_at: int | None = None
        self.gone: set[str] = set()
        # Answer everything with a redirect to this service.
        self.redirect = ""
        self.public: set[str] = set()
        self.limits: dict[str, object] = {"file_size_limit": None, "allowed_mime_types": None}
        # Sent with the answers while it is busy.
        self.retry_after = ""
        # How old every object is.
        self.age = timedelta()

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
        if self.redirect:
            return Answer(307, b"", {"Location": self.redirect})
        path = unquote(urlsplit(asked.path).path).removeprefix(_PREFIX)
        query = parse_qs(urlsplit(asked.path).query)
        try:
            if asked.method == "GET" and path.startswith("object/sign/"):
                return self._signed(path.removeprefix("object/sign/"), query)
            if asked.headers.get("authorization") == f"Bearer {self.anon_key}":
                return self._anonymous(asked, path)
            if asked.headers.get("authorization") != f"Bearer {self.key}" and asked.method != "HEAD":
                raise Refused(403, "Unauthorized", "Invalid Compact JWS")
            if path.startswith("upload/resumable"):
                return self._resumable(asked, path.removeprefix("upload/resumable").lstrip("/"))
            return self._ask(asked, path)
        except Refused as refused:
            return refused.answer

    def _anonymous(self, asked: Asked, path: str) -> Answer:
        if (
            asked.method == "DELETE"
            or path.startswith("object/list/")
            or (asked.method, path) == ("GET", "bucket")
        ):
            return as_json([])
        if asked.method == "GET" and path.startswith("bucket/"):
            raise Refused(404, "Bucket not found", "Bucket not found")
        if asked.method == "GET" or path.startswith("object/sign/"):
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
                raise Refused(409, "Duplicate", "The resource already exists")
            case "POST", ["bucket"]:
                self.buckets[asked.json["id"]] = {}
                if asked.json.get("public"):
                    self.public.add(asked.json["id"])
                return as_json({"name": asked.json["name"]})
            case "POST", ["object", "list", bucket]:
                return as_json(self._list(self.buckets.get(bucket, {}), asked.json))
            case "POST", ["object", "sign", bucket, *name]:
                return self._sign(bucket, "/".join(name), asked.json["expiresIn"])
            case "GET", ["object", "info", bucket, *name]:
                return as_json(self._info("/".join(name), self._object(bucket, "/".join(name))))
            case "GET", ["object", bucket, *name]:
                return Answer(200, self._object(bucket, "/".join(name)))
            case "POST", ["object", bucket, *name]:
                upsert = asked.headers.get("x-upsert") == "true"
                self._put(bucket, "/".join(name), asked.body, upsert=upsert)
                return as_json({"Id": str(uuid.uuid4()), "Key": f"{bucket}/{'/'.join(name)}"})
            case "DELETE", ["object", bucket]:
                removed = [name for name in asked.json["prefixes"] if name in self.buckets.get(bucket, {})]
                for name in removed:
                    del self.buckets[bucket][name]
                return as_json([{"name": name} for name in removed])
        return as_json({"message": f"Route {asked.method}:{path} not found", "statusCode": 404}, 404)

    def _described(self, name: str) -> dict[str, object]:
        return {"id": name, "name": name, "owner": "", "public": name in self.public, **self.limits}

    def _bucket(self, name: str) -> dict[str, bytes]:
        if name not in self.buckets:
            raise Refused(404, "Bucket not found", "Bucket not found")
        return self.buckets[name]

    def _object(self, bucket: str, name: str) -> bytes:
        if name not in self._bucket(bucket):
            raise Refused(404, "not_found", "Object not found")
        return self.buckets[bucket][name]

    def _put(self, bucket: str, name: str, data: bytes, *, upsert: bool) -> None:
        if name in self._bucket(bucket) and not upsert:
            raise Refused(409, "Duplicate", "The resource already exists")
        self.buckets[bucket][name] = bytes(data[:-1]) + b"?" if self.spoil else bytes(data)

    def _list(self, objects: dict[str, bytes], asked: dict[str, object]) -> list[dict[str, object]]:
        prefix = f"{asked['prefix']}/" if asked["prefix"] else ""
        found: dict[str, dict[str, object]] = {}
        for name in sorted(each for each in objects if each.startswith(prefix)):
            first, _, rest = name.removeprefix(prefix).partition("/")
            size = {"size": len(objects[name])}
            at = None if rest else _time(datetime.now(UTC) - self.age)
            found[first] = {
                "name": first,
                "id": None if rest else str(uuid.uuid4()),
                "updated_at": at,
                "created_at": at,
                "last_accessed_at": at,
                "metadata": None if rest else size,
            }
        offset, limit = int(str(asked["offset"])), int(str(asked["limit"]))
        return list(found.values())[offset : offset + limit]

    def _info(self, name: str, data: bytes) -> dict[str, object]:
        at = _time(datetime.now(UTC) - self.age)
        return {
            "id": str(uuid.uuid4()),
            "name": name,
            "size": len(data),
            "last_modified": at,
            "created_at": at,
        }

    def _sign(self, bucket: str, name: str, seconds: int) -> Answer:
        if seconds < 1:
            raise Refused(400, "Error", "body/expiresIn must be >= 1")
        if name not in self.buckets.get(bucket, {}):
            raise Refused(404, "not_found", "Object not found")
        token = jwt.encode({"url": f"{bucket}/{name}", "exp": time.time() + seconds}, _SECRET, "HS256")
        return as_json({"signedURL": f"/object/sign/{bucket}/{name}?token={token}"})

    def _signed(self, path: str, query: dict[str, list[str]]) -> Answer:
        try:
            claims = jwt.decode(query["token"][0], _SECRET, ["HS256"])
        except jwt.InvalidTokenError as error:
            raise Refused(400, "InvalidJWT", str(error)) from error
        if claims["url"] != path:
            raise Refused(400, "InvalidSignature", "The url do not match the signature")
        bucket, _, name = path.partition("/")
        named = {"Content-Disposition": f"attachment; filename={query['download'][0]};"}
        return Answer(200, self._object(bucket, name), named)

    def _resumable(self, asked: Asked, upload_id: str) -> Answer:
        base = {"Tus-Resumable": "1.0.0"}
        if asked.method == "POST":
            return self._begin(asked)
        upload = self.uploads.get(upload_id)
        if upload_id in self.gone or upload is None:
            status, text = (410, b"no longer exists") if upload_id in self.gone else (404, b"was not found")
            body = b"" if asked.method == "HEAD" else b"The file for this url " + text + b"\n"
            return Answer(status, body, base)
        if asked.method == "PATCH":
            if self.forget_at is not None and len(upload.data) >= self.forget_at:
                self.forget_at = None
                del self.uploads[upload_id]
                return Answer(reset=True)
            if self.incomplete and len(upload.data) + len(asked.body) == upload.length:
                self.incomplete -= 1
                self.gone.add(upload_id)
                return Answer(500, b"Internal Server Error", base)
            if int(asked.headers["upload-offset"]) != len(upload.data):
                return Answer(409, b"Upload-Offset conflict", base)
            if not self._takes(upload, asked.body):
                return Answer(reset=True)
            state = {"Upload-Offset": str(len(upload.data))}
            return Answer(204, b"", {**base, **state})
        state = {"Upload-Offset": str(len(upload.data)), "Upload-Length": str(upload.length)}
        return Answer(200, b"", {**base, **state})

    def _begin(self, asked: Asked) -> Answer:
        pairs = (pair.split() for pair in asked.headers["upload-metadata"].split(","))
        told = {name: base64.b64decode(value).decode() for name, value in pairs}
        bucket, name = told["bucketName"], told["objectName"]
        if bucket not in self.buckets:
            return Answer(404, b"Bucket not found")
        if name in self.buckets[bucket] and asked.headers.get("x-upsert") != "true":
            return Answer(409, b"The resource already exists")
        version = f"{bucket}/{name}/{uuid.uuid4()}"
        upload_id = base64.urlsafe_b64encode(version.encode()).decode().rstrip("=")
        self.uploads[upload_id] = Upload(bucket, name, int(asked.headers["upload-length"]))
        prefix = f"{self.url}/upload/resumable" if self.location is None else self.location
        location = f"{prefix}/{upload_id}"
        return Answer(201, b"", {"Location": location, "Tus-Resumable": "1.0.0"})

    def _takes(self, upload: Upload, piece: bytes) -> bool:
        """Take a piece; False when only its beginning arrived."""
        assert len(piece) <= _PIECE
        if self.cut_at is not None and len(upload.data) + len(piece) > self.cut_at:
            upload.data += piece[: self.cut_at - len(upload.data)]
            self.cut_at = None
            return False
        upload.data += piece
        if len(upload.data) == upload.length:
            self._put(upload.bucket, upload.name, bytes(upload.data), upsert=True)
        return True


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def settings_of(stand_in: SupabaseStorageStandIn, **options: object) -> dict[str, object]:
    """Return the entry of STORAGES that leads to a stand-in."""
    return {
        "BACKEND": "builds.artifacts.supabase.SupabaseStorage",
        "OPTIONS": {
            "url": stand_in.url, "key": stand_in.key, "bucket": "artifacts", "pause": 0.001, **options
        },
    }  # fmt: skip
