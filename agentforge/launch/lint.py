"""Run every check of the sources that needs no test: `make lint`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import go

from agentforge.tenancy import embedded

BASE_DIR = Path(__file__).resolve().parent.parent.parent
GOLANG = BASE_DIR / "agent"
GO = str(Path(go.__file__).parent / "bin" / "go")
GOFMT = str(Path(go.__file__).parent / "bin" / "gofmt")
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


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="agentforge-lint-") as name:
        scratch = Path(name)
        server = embedded.start(scratch / "postgres")
        try:
            failed = _run(_checks(scratch, server.get_uri()))
        finally:
            server.cleanup()
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def _checks(scratch: Path, database_url: str) -> list[tuple[list[str], Path, dict[str, str]]]:
    bin_dir = Path(sys.executable).parent
    python = {**os.environ, "DATABASE_URL": database_url, "AGENTFORGE_VAR": str(scratch / "var")}
    python["PATH"] = f"{bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    go_env = {
        **{name: os.environ[name] for name in ("PATH", "CC") if name in os.environ},
        **GO_OFFLINE,
        "HOME": str(scratch),
        "GOCACHE": os.environ.get(
            "GOCACHE", str(Path(tempfile.gettempdir()) / f"agentforge-lint-go-{os.getuid()}")
        ),
    }
    templates = sorted(str(path.relative_to(BASE_DIR)) for path in (BASE_DIR / "templates").rglob("*.html"))
    manage = [sys.executable, "-W", "error::DeprecationWarning:agentforge", "manage.py"]
    return [
        *((command, BASE_DIR, python) for command in PYTHON_CHECKS),
        (["djade", "--check", "--target-version", "5.2", *templates], BASE_DIR, python),
        *(([*manage, *words.split()], BASE_DIR, python) for words in DJANGO_CHECKS),
        ([*manage, "check", "--deploy", "--fail-level", "WARNING"], BASE_DIR, {**python, **PRODUCTION}),
        ([GOFMT, "-l", "."], GOLANG, go_env),
        ([GO, "vet", "./..."], GOLANG, go_env),
    ]


def _run(checks: list[tuple[list[str], Path, dict[str, str]]]) -> list[str]:
    failed = []
    for command, directory, environment in checks:
        name = " ".join([Path(command[0]).name, *command[1:]])[:70]
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        # gofmt names what it would change, and still ends well.
        good = done.returncode == 0 and not (command[0] == GOFMT and done.stdout)
        print(f"{'ok    ' if good else 'FAILED'} {time.monotonic() - began:5.1f} s  {name}", flush=True)
        if not good:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
