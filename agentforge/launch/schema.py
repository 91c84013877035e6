"""Migrate the database, and detect quickly that it is up to date."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import psycopg

from agentforge import static_files
from agentforge.tenancy.escalation import session_problem
from agentforge.tenancy.search_path import use_schema

BASE_DIR = Path(__file__).resolve().parent.parent.parent


def fingerprint() -> str:
    """Return a hash of all migrations, including those of other packages through their pinned versions."""
    ours = [*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("agentforge/*/migrations/*.py")]
    digest = hashlib.sha256()
    for path in [BASE_DIR / "requirements.txt", *sorted(ours)]:
        digest.update(f"{path.relative_to(BASE_DIR)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def role_problem(database_url: str) -> str:
    """Return why the forge must not connect as this URL's role, and the remedy; empty if it may."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        return session_problem(cursor)


def are_current(database_url: str, schema: str, marker: Path) -> bool:
    """Return whether this database has these migrations; asking Django instead would take a second."""
    try:
        return bool(json.loads(marker.read_text()) == _state(database_url, schema))
    except (FileNotFoundError, ValueError, psycopg.errors.UndefinedTable):
        return False


def migrate(database_url: str, schema: str, marker: Path, env: dict[str, str]) -> None:
    """Run the migrations and record that in `marker`; raises subprocess.CalledProcessError."""
    manage("migrate", "--noinput", "--verbosity", "0", env=env)
    marker.write_text(json.dumps(_state(database_url, schema)))


def manage(*arguments: str, env: dict[str, str]) -> None:
    """Run a management command to its end; raises subprocess.CalledProcessError."""
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=BASE_DIR, env=env, check=True)


def collect_static_files(root: Path, env: dict[str, str]) -> None:
    """Collect the static files unless that is done; raises subprocess.CalledProcessError."""
    version = static_files.version(BASE_DIR / "static")
    if not static_files.is_collected(root, version):
        manage("collectstatic", "--noinput", "--clear", "--verbosity", "0", env=env)
        static_files.mark_collected(root, version)


def _state(database_url: str, schema: str) -> dict[str, object]:
    with psycopg.connect(database_url) as connection:
        use_schema(connection, schema)
        row = connection.execute("SELECT count(*), max(applied)::text FROM django_migrations").fetchone()
    return {"fingerprint": fingerprint(), "applied": list(row or ())}
