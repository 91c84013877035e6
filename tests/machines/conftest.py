from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from pytest_django.fixtures import Settings

from agentforge.machines import sharing
from agentforge.machines.models import SharedFingerprint
from agentforge.shared_secrets import TABLE
from tests.builds.conftest import agent as agent
from tests.builds.conftest import local_model as local_model


@pytest.fixture(autouse=True)
def nothing_recorded(transactional_db: None) -> None:
    """Forget what processes of earlier tests recorded, whose directories are others."""
    SharedFingerprint.objects.all().delete()


@pytest.fixture
def machine(tmp_path: Path, settings: Settings) -> Callable[[str], dict[str, str]]:
    """Return the environment of a machine with the secrets and directories of this one, in its own files."""
    settings.AGENTFORGE_SITES_DIR = tmp_path / "sites"

    def make(name: str) -> dict[str, str]:
        (tmp_path / name / "secrets").mkdir(parents=True)
        for secret in TABLE:
            secret.path(tmp_path / name).write_text(sharing.value_of(secret))
        return {
            "AGENTFORGE_VAR": str(tmp_path / name),
            "AGENTFORGE_ARTIFACTS_DIR": str(Path(settings.VAR_DIR) / "artifacts"),
            "AGENTFORGE_SITES_DIR": str(settings.AGENTFORGE_SITES_DIR),
        }

    return make


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Return the environment of a machine that keeps the files of builds in a new bucket."""
    signed = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "moto-takes-any")
    signed["AWS_DEFAULT_REGION"] = "us-east-1"
    for name, value in signed.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket="builds")
    yield {
        **signed,
        "ARTIFACT_STORAGE": "s3",
        "ARTIFACT_BUCKET": "builds",
        "ARTIFACT_S3_ENDPOINT": url,
        # Each machine's own directory.
        "AGENTFORGE_ARTIFACTS_DIR": "",
    }
    # moto keeps its objects in open files until the process ends.
    httpx.post(f"{url}/moto-api/reset").raise_for_status()
    server.stop()
