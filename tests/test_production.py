"""The production settings in docs/running.md."""

from __future__ import annotations

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
