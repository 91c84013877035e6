"""Uploads to Supabase Storage that break, move or vanish: they go on, or begin anew, at the right address."""

from __future__ import annotations

import hashlib

import pytest
from pytest_django.fixtures import Settings

from builds.artifacts import leases, storage
from builds.artifacts.errors import StorageProblem
from tests.builds.artifacts.files import BIG, MB, name_of
from tests.standins.supabase_storage import SupabaseStorageStandIn


def _patches(service: SupabaseStorageStandIn) -> list[int]:
    return [int(request.headers["upload-offset"]) for request in service.asked if request.method == "PATCH"]


@pytest.mark.django_db
def test_a_broken_upload_goes_on_where_it_stopped(service: SupabaseStorageStandIn) -> None:
    service.cut_at = 8 * MB
    service.busy = 1
    storage.put(BIG)
    assert service.objects[name_of(BIG)] == BIG
    assert _patches(service) == [0, 6 * MB, 8 * MB]


@pytest.mark.django_db
def test_another_worker_goes_on_with_an_upload(service: SupabaseStorageStandIn, settings: Settings) -> None:
    sha256 = hashlib.sha256(BIG).hexdigest()

    def die(sent: int, total: int) -> None:
        if sent > 6 * MB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.put(BIG, progress=die)
    assert service.objects == {}
    assert leases.upload_url(sha256)
    storage.put(BIG)
    assert service.objects[name_of(BIG)] == BIG
    assert _patches(service) == [0, 6 * MB, 6 * MB, 12 * MB]
    assert leases.upload_url(sha256) == ""


@pytest.mark.django_db
def test_an_upload_that_the_service_forgot_begins_anew(service: SupabaseStorageStandIn) -> None:
    leases.save_upload_url(hashlib.sha256(BIG).hexdigest(), f"{service.url}/upload/resumable/gone")
    storage.put(BIG)
    assert service.objects[name_of(BIG)] == BIG


@pytest.mark.django_db
def test_the_key_goes_to_the_configured_address_alone(service: SupabaseStorageStandIn) -> None:
    with SupabaseStorageStandIn() as foreign:
        service.location = f"{foreign.url}/elsewhere"
        with pytest.raises(StorageProblem, match=r"Location names .*STORAGE_PUBLIC_URL") as failure:
            storage.put(BIG)
        assert failure.value.permanent
        service.location = f"{foreign.origin}/upload/resumable"
        storage.put(BIG)
        assert foreign.asked == []
    assert service.objects[name_of(BIG)] == BIG


@pytest.mark.django_db
def test_a_location_of_another_scheme_and_path_is_taken_by_its_id(service: SupabaseStorageStandIn) -> None:
    service.location = f"{service.origin.replace('http:', 'https:')}/upload/resumable"
    storage.put(BIG)
    assert service.objects[name_of(BIG)] == BIG


@pytest.mark.django_db
def test_redirects_are_not_followed(service: SupabaseStorageStandIn, settings: Settings) -> None:
    with SupabaseStorageStandIn() as elsewhere:
        service.redirect = elsewhere.url
        for data in (b"small", BIG):
            with pytest.raises(StorageProblem, match="307"):
                storage.put(data)
        assert elsewhere.asked == []


@pytest.mark.django_db
def test_an_upload_at_another_address_is_forgotten(service: SupabaseStorageStandIn) -> None:
    with SupabaseStorageStandIn() as former:
        leases.save_upload_url(hashlib.sha256(BIG).hexdigest(), f"{former.url}/upload/resumable/abc")
        storage.put(BIG)
        assert former.asked == []
    assert service.objects[name_of(BIG)] == BIG


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [{"incomplete": 1}, {"forget_at": 6 * MB}])
def test_an_upload_that_vanishes_begins_anew_in_the_same_call(
    service: SupabaseStorageStandIn, fault: dict[str, int]
) -> None:
    for name, value in fault.items():
        setattr(service, name, value)
    storage.put(BIG)
    assert service.objects[name_of(BIG)] == BIG
    creations = [request for request in service.asked if request.path.endswith("/upload/resumable")]
    assert len(creations) == 2
