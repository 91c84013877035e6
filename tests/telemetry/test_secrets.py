"""No secret stands in a line of the log, whatever a message, a field or a traceback says."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from agentforge.telemetry import log_formats
from agentforge.telemetry.log_formats import JsonFormatter, TextFormatter
from configs.providers.key_prefixes import ISSUERS
from tests.drivers.forge import ROOT

SETTINGS = ROOT / "docs" / "settings.md"
OWN = {
    "SECRET_KEY": 'django-"secret\\key-of-this-forge',
    "METRICS_TOKEN": "metrics-password",
    "SUPABASE_SERVICE_KEY": "service-key-of-the-project",
    "AGENTFORGE_SIGNING_KEY": "c2lnbmluZy1rZXktb2YtdGhpcy1mb3JnZQ==",
    "NETLIFY_CLIENT_SECRET": "netlify-client-secret",
    "EMAIL_HOST_PASSWORD": "mail-password",
    "AGENTFORGE_IDENTITY_KEY": "bGluZS1vZi1hLXByaXZhdGUta2V5",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20Y29sbGVjdG9y",
}
FOREIGN = [
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWl0",
    "sk-proj-0123456789abcdefghij",
    "sk-ant-api03-0123456789abcdefghij",
    "nfp_0123456789abcdefghijklmnop",
    "sb_secret_0123456789abcdefghij",
]


@pytest.fixture(autouse=True)
def known(settings: Settings) -> Iterator[None]:
    for name, value in OWN.items():
        setattr(settings, name, value)
    settings.AGENTFORGE_VAULT_KEYS = ["vault-key-one-of-two", "vault-key-two-of-two"]
    settings.AGENTFORGE_BUILDERS = [{"name": "b", "url": "https://b.example", "secret": "builder-secret"}]
    settings.DATABASE_URL = "postgresql://forge:database-password@db.example:5432/forge"
    log_formats._redactor.cache_clear()
    yield
    log_formats._redactor.cache_clear()


def _lines(secret: str) -> Iterator[str]:
    """Yield a record with a secret in each of its places, by each formatter."""
    try:
        raise RuntimeError(f"refused: {secret}")
    except RuntimeError:
        failure = sys.exc_info()
    record = logging.LogRecord("builds", logging.ERROR, __file__, 1, "The key %s failed", (secret,), failure)
    record.detail = {"given": [secret]}
    record.reason = secret
    yield TextFormatter().format(record)
    yield JsonFormatter().format(record)


@pytest.mark.parametrize(
    "secret",
    [
        *OWN.values(),
        *FOREIGN,
        *(f"{prefix}0123456789abcdefghij" for prefix in ISSUERS if prefix != "eyJ"),
        "vault-key-two-of-two",
        "builder-secret",
        "database-password",
    ],
)
def test_a_secret_is_blanked_everywhere(secret: str) -> None:
    text, as_json = _lines(secret)
    assert "Traceback" in text and "Traceback" in json.loads(as_json)["traceback"]
    for line in (text, as_json):
        assert secret not in line and json.dumps(secret)[1:-1] not in line
        assert "•••" in line


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("postgresql://forge:planted-word@db.example/forge", "db.example/forge"),
        ("Authorization: Bearer planted-word-0123", "Authorization: Bearer"),
        ("Authorization: Basic planted-word-0123", "Authorization: Basic"),
    ],
)
def test_what_looks_like_a_secret_is_blanked_too(said: str, kept: str) -> None:
    for line in _lines(said):
        assert "planted-word" not in line
        assert kept in line


def test_ordinary_words_stay() -> None:
    said = "Build 7 of revision 3: basic authentication, sk-8, skills-of-a-support-desk, 127.0.0.1:8000"
    assert all(said in line for line in _lines(said))


def test_a_line_stays_one_line() -> None:
    said = "a\nERROR forged\r\x1b[31m\u2028b\x85c"
    record = logging.LogRecord("builds", logging.INFO, __file__, 1, said, (), None)
    for line in (TextFormatter().format(record), JsonFormatter().format(record)):
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line
    assert json.loads(JsonFormatter().format(record))["message"] == said


def test_each_documented_secret_is_known() -> None:
    documented = re.findall(
        r"^\| `([A-Z_]+_(?:KEYS?|SECRET|TOKEN|HEADERS))` \|", SETTINGS.read_text(), re.MULTILINE
    )
    assert len(documented) > 8
    # It is in every page, for browsers.
    assert set(documented) - set(log_formats._SECRETS) == {"SUPABASE_ANON_KEY"}


def test_a_traceback_begins_no_line_of_the_log() -> None:
    """Whatever a message holds: a reader takes what begins a line for the log's own."""
    text, as_json = _lines("one\nERROR agentforge.audit: forged\r\x1b[2Jtwo\u2028three")
    first, *others = text.splitlines()
    assert first.startswith("ERROR builds: The key one") and "\x1b" not in text and "\r" not in text
    assert others and all(line.startswith("  ") for line in others)
    assert len(as_json.splitlines()) == 1


@pytest.mark.parametrize("before", ["", "sb-", "session_", f"{'of-a-very-long-name' * 20}-", "eyJ-"])
def test_a_token_is_blanked_behind_any_prefix(before: str) -> None:
    for line in _lines(before + FOREIGN[0]):
        assert FOREIGN[0].split(".")[2] not in line
        assert "•••" in line
    assert log_formats.without_secrets("static/keyJumpHandler.0123456789.js") == (
        "static/keyJumpHandler.0123456789.js"
    )


@pytest.mark.parametrize(
    "word", ["eyJ-", "-eyJ", "eyJ", "a-eyJaaaaaaaa", "a-eyJaaaaaaaa.", "aaaaaaaa.eyJ", "word-"]
)
def test_a_long_word_is_searched_once_for_a_token(word: str) -> None:
    began = time.process_time()
    for end in ("", ".aaaaaaaa", ".aaaaaaaa.", "!"):
        log_formats.without_secrets(word * 20_000 + end)
    assert time.process_time() - began < 4


@pytest.mark.parametrize("word", ["eyJ-", "bearer ", "://a:", "sk-", "eyJaaaaaaaa.", "basic a1"])
def test_a_long_line_is_searched_once(word: str) -> None:
    began = time.process_time()
    log_formats.without_secrets(word * 20_000)
    assert time.process_time() - began < 1
