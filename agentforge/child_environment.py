"""The environment of child processes, made from nothing: only what is named here is handed down.

The operator's shell may hold anything: switches of Python, pip, Go and PostgreSQL, another project's
settings, secrets of other programs. Standard library only: it is used before anything is installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

# The person, the machine and the way to the network.
_MACHINE = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "TERM", "NO_COLOR", "XDG_RUNTIME_DIR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# docs/settings.md; `AWS_` is read by the S3 library.
_SETTINGS = (
    *("ACCESS_LOG", "ALLOWED_HOSTS", "CHAT_DAYS", "CSRF_TRUSTED_ORIGINS", "DEBUG", "EMAIL_FROM", "EMAIL_URL"),
    *(
        "EXAMPLE_AGENT",
        "GUEST_MINUTES",
        "KEY_RECHECK_HOURS",
        "LOG_DAYS",
        "LOG_FORMAT",
        "METRICS_TOKEN",
        "MODEL_PORT",
        "PORT",
        "PROBE_NETWORKS",
        "SECRET_KEY",
    ),
    *("CHAT_CONCURRENCY", "CHECK_CONCURRENCY", "DEPLOY_CONCURRENCY", "WEB_PROCESSES", "WORKER_CONCURRENCY"),
    *("HTTP_BODY_SECONDS", "HTTP_HEADER_SECONDS", "HTTP_IDLE_SECONDS", "TRUSTED_PROXIES"),
)
_FAMILIES = (
    *("AGENTFORGE_", "ARTIFACT_", "AUDIT_", "AWS_", "BUILD_LOG_", "DATABASE_", "LIVE_", "LOCAL_MODEL"),
    *("MOST_", "NETLIFY_", "OTEL_", "RATE_LIMIT_", "SECOND_FACTOR_", "SECURE_", "SUPABASE_", "TRASH_"),
)
# libpq's; they belong to the server that DATABASE_URL names.
_LIBPQ = "PG"
# Where pip finds packages, not where it puts them.
_PIP = (
    *("PIP_CACHE_DIR", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE", "PIP_DEFAULT_TIMEOUT"),
    *("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_KEYRING_PROVIDER", "PIP_NO_CACHE_DIR"),
    *("PIP_NO_INDEX", "PIP_PROXY", "PIP_RETRIES", "PIP_ROOT_USER_ACTION", "PIP_TIMEOUT", "PIP_TRUSTED_HOST"),
)


def for_tools(**own: str) -> dict[str, str]:
    """Return the environment of a foreign tool: no settings and no secrets, plus `own`."""
    proxies = [*_PROXIES, *map(str.lower, _PROXIES)]
    return {**_inherited([*_MACHINE, *proxies, *_AUTHORITIES]), "LANG": "C.UTF-8", **own}


def for_programs(**own: str) -> dict[str, str]:
    """Return the environment of one of the forge's programs: the settings and this Python, plus `own`."""
    families = _FAMILIES if os.environ.get("DATABASE_URL", "") == "" else (*_FAMILIES, _LIBPQ)
    settings = [name for name in os.environ if name in _SETTINGS or name.startswith(families)]
    return {
        **for_tools(**_inherited(settings)),
        "PATH": with_this_python(),
        "PYTHONUNBUFFERED": "1",
        **own,
    }


def for_pip(**own: str) -> dict[str, str]:
    """Return the environment of pip, which installs into the environment of its own Python, plus `own`."""
    return for_tools(**_inherited(_PIP), PIP_USER="0", **own)


def for_installer() -> dict[str, str]:
    """Return the environment of the installer in another Python: pip's, and what it reads of the settings."""
    return for_pip(**_inherited(("LOCAL_MODEL", "ARTIFACT_STORAGE")))


def with_this_python() -> str:
    """Return PATH with the folder of the running Python, and of the programs beside it, first."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def forget_other_databases() -> None:
    """Remove libpq's variables from this process; the private server is reached by its address alone."""
    for name in [name for name in os.environ if name.startswith(_LIBPQ)]:
        del os.environ[name]


def _inherited(names: Iterable[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
