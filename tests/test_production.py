"""The production settings in docs/running.md."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "DEBUG": "0",
    "ALLOWED_HOSTS": "forge.example.com",
    "SECRET_KEY": "Bq8-4vWz_0rJt6yLk2Nf9xSd3HgPm7Uc5Ea1Ti-Ro_QnXbVwYjKsZhMf",
    "AGENTFORGE_LOCAL_IDENTITY": "1",
    "TRUSTED_PROXIES": "1",
}


def check_deploy(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in PRODUCTION},
        **PRODUCTION,
        "AGENTFORGE_VAR": str(tmp_path),
        **changes,
    }
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_production_settings_pass_the_deployment_check(tmp_path: Path) -> None:
    done = check_deploy(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("subdomains", "preload", "expected"),
    [
        ("", "", "max-age=31536000"),
        ("1", "", "max-age=31536000; includeSubDomains"),
        ("1", "1", "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_subdomains_are_bound_to_tls_only_on_request(
    tmp_path: Path, subdomains: str, preload: str, expected: str
) -> None:
    ask = (
        "import django; django.setup(); from django.test import RequestFactory; "
        "from django.http import HttpResponse; from django.middleware.security import SecurityMiddleware; "
        "request = RequestFactory().get('/', secure=True); "
        "print(SecurityMiddleware(lambda _: HttpResponse())(request)['Strict-Transport-Security'])"
    )
    environment = {
        **os.environ,
        **PRODUCTION,
        "AGENTFORGE_VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "agentforge.settings",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": subdomains,
        "SECURE_HSTS_PRELOAD": preload,
    }
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


def test_a_local_identity_that_nobody_chose_fails_it(tmp_path: Path) -> None:
    done = check_deploy(tmp_path, AGENTFORGE_LOCAL_IDENTITY="0")
    assert done.returncode != 0
    assert "accounts.E001" in done.stderr
    assert "AGENTFORGE_LOCAL_IDENTITY=1" in done.stderr


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/sign-in/", "/sign-up/", "/healthz", "/nowhere/"])
def test_every_answer_forbids_inline_code_and_framing(client: Client, path: str) -> None:
    response = client.get(path)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_an_unknown_host_is_refused(client: Client, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["forge.example.com"]
    assert client.get("/sign-in/", headers={"host": "attacker.example"}).status_code == 400
    assert client.get("/sign-in/", headers={"host": "forge.example.com"}).status_code == 200


@pytest.mark.django_db
def test_pages_move_to_tls_and_the_health_check_does_not(client: Client, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    moved = client.get("/sign-in/")
    assert (moved.status_code, moved["Location"]) == (301, "https://testserver/sign-in/")
    assert client.get("/healthz").status_code == 200


PROBES = ("/livez", "/healthz", "/readyz", "/readyz/workers", "/readyz/workers/builds", "/metrics")
BY_ADDRESS = ("127.0.0.1:8401", "10.1.2.3:8000", "[::1]:8000", "localhost:8000")


@pytest.mark.django_db
@pytest.mark.parametrize("path", PROBES)
def test_machines_of_trusted_networks_ask_by_address(
    client: Client, settings: LazySettings, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    settings.ALLOWED_HOSTS = [".forge.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    settings.METRICS_TOKEN = "hunter2"
    password = {"authorization": "Basic " + base64.b64encode(b"prometheus:hunter2").decode()}
    for host in BY_ADDRESS:
        for peer in ("127.0.0.1", "10.9.8.7", "::1", "::ffff:192.168.1.2", "fd00::7"):
            answer = client.get(path, REMOTE_ADDR=peer, headers={"host": host, **password})
            assert answer.status_code in ((200, 503) if path.startswith("/readyz") else (200,)), (host, peer)
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PROBES)
def test_no_others_do(client: Client, settings: LazySettings, path: str) -> None:
    settings.ALLOWED_HOSTS = ["forge.example.com"]
    by_address = {"host": "127.0.0.1:8401"}
    assert client.get(path, REMOTE_ADDR="203.0.113.9", headers=by_address).status_code == 400
    # From outside, through a proxy on this machine that hands on the host.
    assert client.get(path, headers={**by_address, "x-forwarded-for": "203.0.113.9"}).status_code == 400
    # A page of a foreign name that leads to this machine.
    assert client.get(path, headers={"host": "attacker.example"}).status_code == 400
    assert client.get("/sign-in/", headers=by_address).status_code == 400


def test_a_wrong_network_is_named(tmp_path: Path) -> None:
    done = check_deploy(tmp_path, PROBE_NETWORKS="10.0.0.0/99")
    assert done.returncode != 0
    assert "PROBE_NETWORKS" in done.stderr


def test_a_process_lives_without_its_database(client: Client) -> None:
    """No mark lets this test use a database."""
    assert client.get("/livez").status_code == 200
