"""The bucket in Supabase Storage is made and checked by the forge; uploads are few, parallel and patient."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from builds.artifacts import build_files, storage
from builds.artifacts.errors import StorageProblem, retry_after
from tests.standins.server import Answer, Asked
from tests.standins.supabase_storage import SupabaseStorageStandIn, settings_of

MB = 1024 * 1024
pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class File:
    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


# As a build's: a program and its papers.
FILES = [
    File("ada.so", bytes(range(256)) * (4 * 12 * 1024)),
    *(File(f"paper-{number}", b"x" * number) for number in range(1, 9)),
]


class Service(SupabaseStorageStandIn):
    """Counts how many uploads are under way at the same time; the first ones wait for each other."""

    def __init__(self) -> None:
        super().__init__()
        self.together = threading.Barrier(4)
        self.left = 0
        # How many listings of folders wait for each other.
        self.listings, self.lists = threading.Barrier(8), 0

    def answer(self, asked: Asked) -> Answer:
        if self.left and asked.method == "POST" and "/object/artifacts/" in asked.path:
            self.left -= 1
            self.together.wait(timeout=30)
        if self.lists and "/object/list/" in asked.path and asked.json["prefix"]:
            self.lists -= 1
            self.listings.wait(timeout=30)
        return super().answer(asked)


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    with Service() as stand_in:
        settings.STORAGES = {**settings.STORAGES, "artifacts": settings_of(stand_in)}
        settings.VAR_DIR = tmp_path
        yield stand_in


def store(files: list[File] = FILES) -> list[tuple[str, int, int]]:
    progress: list[tuple[str, int, int]] = []
    build_files.store(files, lambda *report: progress.append(report))
    return progress


def test_a_missing_bucket_is_made_private(service: Service) -> None:
    service.buckets.clear()
    store()
    made = next(asked.json for asked in service.asked if asked.path.endswith("/bucket"))
    assert made == {"id": "artifacts", "name": "artifacts", "public": False}
    assert len(service.objects) == len(FILES)


def test_a_bucket_that_another_process_made_first_is_used(service: Service) -> None:
    bucket = service.buckets.pop("artifacts")
    ask = service._ask

    def make_it_meanwhile(asked: Asked, path: str) -> Answer:
        if (asked.method, path) == ("POST", "bucket"):
            service.buckets["artifacts"] = bucket
        return ask(asked, path)

    service._ask = make_it_meanwhile  # type: ignore[method-assign]
    store()
    assert len(service.objects) == len(FILES)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"file_size_limit": 5 * MB}, "takes files of up to 5,242,880 bytes.*file size limit"),
        ({"allowed_mime_types": ["image/png", "image/*"]}, "MIME types only: image/png"),
    ],
)
def test_limits_are_named_before_anything_is_sent(
    service: Service, limits: dict[str, object], words: str
) -> None:
    service.limits = limits
    with pytest.raises(StorageProblem, match=words) as failure:
        store()
    assert failure.value.permanent
    assert {asked.method for asked in service.asked} == {"GET"}


@pytest.mark.parametrize(
    "limits",
    [
        {"file_size_limit": 50 * MB},
        {"allowed_mime_types": []},
        {"allowed_mime_types": ["application/octet-stream"]},
        {"allowed_mime_types": ["*/*"]},
    ],
)
def test_wide_limits_are_no_obstacle(service: Service, limits: dict[str, object]) -> None:
    service.limits = limits
    store()
    assert len(service.objects) == len(FILES)


def test_a_public_bucket_is_refused_by_a_build(service: Service) -> None:
    service.public.add("artifacts")
    with pytest.raises(StorageProblem, match="is public") as failure:
        store()
    assert failure.value.permanent
    assert service.objects == {}


def test_four_files_are_uploaded_at_the_same_time(service: Service) -> None:
    service.left = 4
    progress = store(FILES[1:])
    assert {name for name, _, _ in progress} == {file.name for file in FILES[1:]}


def test_a_build_takes_few_requests(service: Service) -> None:
    store()
    # One for the bucket, and one for each file.
    assert len(service.asked) == 1 + 9


def test_a_program_that_a_proxy_refuses_as_a_whole_is_sent_in_pieces(service: Service) -> None:
    service.longest_body = 8 * MB
    store()
    assert len(service.objects) == len(FILES)
    assert len(service.asked) == 1 + 9 + 4


def test_folders_are_listed_at_the_same_time(service: Service) -> None:
    for number in range(200):
        name = hashlib.sha256(b"%d" % number).hexdigest()
        service.objects[f"{name[:2]}/{name}"] = b"orphan"
    # Eight requests wait for each other; alone, the first would wait in vain.
    service.lists, service.listings = 8, threading.Barrier(8)
    assert len(list(storage.entries())) == 200


def test_a_listing_waits_for_a_busy_storage(service: Service) -> None:
    store(FILES[1:])
    service.busy = 3
    assert len(list(storage.entries())) == len(FILES[1:])


@pytest.mark.parametrize("asked", ["1", "date"])
def test_the_storage_gets_the_pause_that_it_asks_for(service: Service, asked: str) -> None:
    in_a_second = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    service.busy, service.retry_after = 1, "1" if asked == "1" else in_a_second
    began = datetime.now(UTC)
    store(FILES[1:2])
    assert datetime.now(UTC) - began >= timedelta(seconds=0.9)


def test_a_person_is_not_kept_waiting_by_the_storage(service: Service) -> None:
    store(FILES[1:2])
    service.busy, service.retry_after = 1, "3600"
    with pytest.raises(StorageProblem, match="503"):
        storage.signed_url(FILES[1].sha256, "paper")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", 0),
        ("5", 5),
        ("0", 0),
        ("9" * 5000, 60),
        ("-3", 0),
        ("soon", 0),
        ("Sat, 28 Nov 1998 10:00:00 GMT", 0),
    ],
)
def test_what_is_no_pause_is_ignored(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}) == seconds
