"""Stand in for the resumable uploads of Supabase Storage: TUS 1.0.0 (https://tus.io)."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field

from . import storage_shapes as shapes
from .server import Answer, Asked, StandIn

MB = 1024 * 1024
_LARGEST = 500 * MB
_TUS = {"Tus-Resumable": "1.0.0"}


@dataclass
class Upload:
    bucket: str
    name: str
    length: int
    data: bytearray = field(default_factory=bytearray)


class ResumableUploads(StandIn):
    """Keep uploads in memory, and disturb them as a test says."""

    buckets: dict[str, dict[str, bytes]]

    def __init__(self) -> None:
        super().__init__()
        self.uploads: dict[str, Upload] = {}
        # Cut the connection once when an upload has so many bytes.
        self.cut_at: int | None = None
        # The prefix of `Location`, where it isn't the address that was asked; None: that address.
        self.location: str | None = None
        # Refuse to complete so many uploads: 500, and the upload is gone (410).
        self.incomplete = 0
        # Forget the upload once it has so many bytes, and close without reading the next piece.
        self.forget_at: int | None = None
        self.gone: set[str] = set()

    @property
    def url(self) -> str:
        raise NotImplementedError

    def _put(self, bucket: str, name: str, data: bytes, *, upsert: bool) -> None:
        raise NotImplementedError

    def _resumable(self, asked: Asked, upload_id: str) -> Answer:
        if asked.method == "POST":
            return self._begin(asked)
        upload = self.uploads.get(upload_id)
        if upload_id in self.gone or upload is None:
            return self._unknown(asked, upload_id)
        if asked.method == "DELETE":
            del self.uploads[upload_id]
            return Answer(204, b"", _TUS)
        if asked.method == "PATCH":
            return self._patch(asked, upload_id, upload)
        state = {"Upload-Offset": str(len(upload.data)), "Upload-Length": str(upload.length)}
        return Answer(200, b"", {**_TUS, **state})

    def _unknown(self, asked: Asked, upload_id: str) -> Answer:
        if not upload_id.startswith(_encoded("artifacts/")[:8]):
            return Answer(400, b"" if asked.method == "HEAD" else b"Invalid upload id", _TUS)
        status, text = (410, b"no longer exists") if upload_id in self.gone else (404, b"was not found")
        body = b"" if asked.method == "HEAD" else b"The file for this url " + text + b"\n"
        return Answer(status, body, _TUS)

    def _patch(self, asked: Asked, upload_id: str, upload: Upload) -> Answer:
        end = len(upload.data) + len(asked.body)
        if "tus-resumable" not in asked.headers:
            return Answer(412, b"Tus-Resumable Required\n", _TUS)
        if upload.name in self.buckets[upload.bucket] and asked.headers.get("x-upsert") != "true":
            return Answer(409, b"The resource already exists", _TUS)
        if self.forget_at is not None and len(upload.data) >= self.forget_at:
            self.forget_at = None
            del self.uploads[upload_id]
            return Answer(reset=True)
        if self.incomplete and end == upload.length:
            self.incomplete -= 1
            self.gone.add(upload_id)
            return Answer(500, b"Internal Server Error", _TUS)
        if int(asked.headers["upload-offset"]) != len(upload.data):
            return Answer(409, b"Upload-Offset conflict\n", _TUS)
        if end > upload.length:
            return Answer(413, b"upload's size exceeded\n", _TUS)
        if not self._takes(upload, asked.body):
            return Answer(reset=True)
        complete = {"Tus-Complete": "1"} if len(upload.data) == upload.length else {}
        return Answer(204, b"", {**_TUS, "Upload-Offset": str(len(upload.data)), **complete})

    def _begin(self, asked: Asked) -> Answer:
        pairs = (pair.split() for pair in asked.headers["upload-metadata"].split(","))
        told = {name: base64.b64decode(value).decode() for name, value in pairs}
        bucket, name, length = told["bucketName"], told["objectName"], int(asked.headers["upload-length"])
        if bucket not in self.buckets:
            return Answer(404, b"Bucket not found", _TUS)
        if length > _LARGEST:
            return Answer(413, b"Maximum size exceeded\n", _TUS)
        if not shapes.is_key(name):
            return Answer(400, f"Invalid key: {name}".encode(), _TUS)
        if name in self.buckets[bucket] and asked.headers.get("x-upsert") != "true":
            return Answer(409, b"The resource already exists", _TUS)
        upload_id = _encoded(f"{bucket}/{name}/{uuid.uuid4()}")
        upload = self.uploads[upload_id] = Upload(bucket, name, length)
        prefix = f"{self.url}/upload/resumable" if self.location is None else self.location
        complete = {"Tus-Complete": "1"} if length == 0 and self._takes(upload, b"") else {}
        return Answer(201, b"", {"Location": f"{prefix}/{upload_id}", **_TUS, **complete})

    def _takes(self, upload: Upload, piece: bytes) -> bool:
        """Take a piece; False when only its beginning arrived."""
        assert len(piece) <= 6 * MB
        if self.cut_at is not None and len(upload.data) + len(piece) > self.cut_at:
            upload.data += piece[: self.cut_at - len(upload.data)]
            self.cut_at = None
            return False
        upload.data += piece
        if len(upload.data) == upload.length:
            self._put(upload.bucket, upload.name, bytes(upload.data), upsert=True)
        return True


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
