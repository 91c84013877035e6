"""`manage.py supabase` asks a project whether it is as the forge needs it, and prepares one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import StringIO
from typing import Any

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import connection
from jwt.algorithms import OKPAlgorithm
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pytest_django.fixtures import Settings

from tests.accounts.supabase.conftest import auth
from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.call import Reply
from tests.standins.supabase_storage import SupabaseStorageStandIn, settings_of
from tests.tenancy.supabase_project import manage

__all__ = ["auth"]
pytestmark = pytest.mark.django_db

FORGE = "https://forge.example.com"
SECRET = "a shared secret of more than thirty-two letters"
OTHER = "https://id.example.com/auth/v1"


@pytest.fixture
def project(auth: SupabaseAuth) -> SupabaseAuth:
    """A project as docs/supabase.md sets it up."""
    auth.site_url = FORGE
    auth.redirect_prefixes = [f"{FORGE}/"]
    return auth


@pytest.fixture
def storage(settings: Settings) -> Iterator[SupabaseStorageStandIn]:
    with SupabaseStorageStandIn() as stand_in:
        settings.ARTIFACT_STORAGE = "supabase"
        settings.SUPABASE_SERVICE_KEY = stand_in.key
        settings.STORAGES = {**settings.STORAGES, "artifacts": settings_of(stand_in)}
        yield stand_in


def check() -> tuple[dict[str, dict[str, str]], bool]:
    """Return the lines by topic, and whether the command ended well."""
    out, well = StringIO(), True
    try:
        call_command("supabase", "check", "--json", "--url", FORGE, stdout=out)
    except CommandError:
        well = False
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines[-1]["success"] is well
    return {line["topic"]: line for line in lines[:-1]}, well


def test_a_project_as_it_should_be(project: SupabaseAuth, storage: SupabaseStorageStandIn) -> None:
    lines, well = check()
    assert well, lines
    unseen = {topic for topic, line in lines.items() if line["state"] == "unseen"}
    assert unseen == {"mails", "issuer", "second factor"}
    for topic in (
        "publishable key", "e-mail", "sign-up", "confirmation", "anonymous users", "phone users",
        "provider github", "signing keys", "site URL", "redirects", "captcha", "database", "schema", "rights",
        "exposed schemas", "bucket", "private", "size limit", "MIME types",
    ):  # fmt: skip
        assert lines[topic]["state"] == "right", lines[topic]
    assert all(line["remedy"] for line in lines.values() if line["state"] != "right")
    # Nothing was changed, and no mail was sent.
    assert not project.state.accounts
    assert not project.state.inbox


def ed25519() -> dict[str, Any]:
    public: dict[str, Any] = OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate().public_key(), as_dict=True)
    return {**public, "kid": "k1", "alg": "EdDSA", "use": "sig"}


def _token(role: str, secret: str) -> str:
    return jwt.encode({"role": role, "iss": "supabase"}, secret, "HS256")


# A setting of the project's stand-in or of the forge, what it is changed to, and the line that names it.
WRONG: list[tuple[str, str, str, str, Any]] = [
    ("publishable key", "refuses", "settings", "SUPABASE_ANON_KEY", "sb_publishable_x"),
    ("publishable key", "service_role", "settings", "SUPABASE_ANON_KEY", _token("service_role", SECRET)),
    ("publishable key", "service_role", "settings", "SUPABASE_ANON_KEY", SupabaseAuth.secret_key),
    ("address", "Nothing answers", "settings", "SUPABASE_URL", "http://127.0.0.1:9"),
    ("address", "not as Supabase Auth", "replies", "/settings", Reply("hello")),
    ("address", "not as Supabase Auth", "project", "is_down", True),
    ("e-mail", "off", "project", "email_users", False),
    ("confirmation", "somebody else's", "project", "autoconfirm", True),
    ("anonymous users", "can sign in", "project", "anonymous_users", True),
    ("anonymous users", "invites guests", "settings", "GUEST_MINUTES", 60),
    ("phone users", "can sign in", "project", "phone_users", True),
    ("provider github", "not enabled", "project", "providers", ["google"]),
    ("captcha", "demands", "project", "demands_captcha", True),
    ("site URL", "http://old.example.com", "project", "site_url", "http://old.example.com"),
    ("site URL", f"It is {FORGE}/,", "project", "site_url", f"{FORGE}/"),
    ("redirects", "not allowed", "project", "redirect_prefixes", ["http://localhost"]),
    ("redirects", "Every address", "project", "redirect_prefixes", [""]),
    ("signing keys", "SUPABASE_JWT_SECRET is not set", "keys", "shared_secret", SECRET),
    ("signing keys", "EdDSA", "replies", "/.well-known/jwks.json", Reply({"keys": [ed25519()]})),
    ("issuer", OTHER, "replies", "/.well-known/openid-configuration", Reply({"issuer": OTHER})),
    ("exposed schemas", "serves", "project", "exposed_schemas", ["public", "agentforge"]),
]


@pytest.mark.parametrize(
    ("topic", "words", "where", "name", "value"), WRONG, ids=[f"{each[0]}-{each[1]}" for each in WRONG]
)
def test_what_is_wrong_is_named_with_its_remedy(
    topic: str, words: str, where: str, name: str, value: Any, project: SupabaseAuth, settings: Settings
) -> None:
    settings.DEBUG = False
    if where == "replies":
        project.replies[name] = value
    else:
        setattr({"project": project, "keys": project.keys, "settings": settings}[where], name, value)
    lines, well = check()
    assert not well
    assert lines[topic]["state"] == "wrong", lines
    assert words in lines[topic]["says"]
    assert lines[topic]["remedy"]
    assert [other["topic"] for other in lines.values() if other["state"] == "wrong"] == [topic]


def test_users_without_an_address_are_right_where_they_are_allowed(
    project: SupabaseAuth, settings: Settings
) -> None:
    project.anonymous_users = project.phone_users = settings.SUPABASE_USERS_WITHOUT_EMAIL = True
    lines, well = check()
    assert well, lines
    assert "as SUPABASE_USERS_WITHOUT_EMAIL allows" in lines["anonymous users"]["says"]


def test_anonymous_users_are_right_where_guests_are_welcome(
    project: SupabaseAuth, settings: Settings
) -> None:
    project.anonymous_users, settings.GUEST_MINUTES = True, 60
    lines, well = check()
    assert well, lines
    assert "Guests come as anonymous users" in lines["anonymous users"]["says"]


@pytest.mark.parametrize(
    ("signer", "state"), [(SECRET, "right"), ("another secret of thirty-two letters", "wrong")]
)
def test_a_shared_secret_is_held_against_the_anon_key(
    signer: str, state: str, project: SupabaseAuth, settings: Settings
) -> None:
    project.keys.shared_secret = SECRET
    project.anon_key = settings.SUPABASE_ANON_KEY = _token("anon", signer)
    settings.SUPABASE_JWT_SECRET = SECRET
    lines, _ = check()
    assert lines["signing keys"]["state"] == state
    assert SECRET not in json.dumps(lines)


def test_the_limits_of_a_bucket(project: SupabaseAuth, storage: SupabaseStorageStandIn) -> None:
    storage.public.add("artifacts")
    storage.limits = {"file_size_limit": 1_000_000, "allowed_mime_types": ["image/*"]}
    lines, well = check()
    assert not well
    assert [topic for topic, line in lines.items() if line["state"] == "wrong"] == [
        "private",
        "size limit",
        "MIME types",
    ]


def test_a_key_without_rights_is_named(
    project: SupabaseAuth, storage: SupabaseStorageStandIn, settings: Settings
) -> None:
    settings.SUPABASE_SERVICE_KEY = storage.anon_key
    lines, _ = check()
    assert lines["secret key"]["says"] == "SUPABASE_SERVICE_KEY holds the key of the role 'anon'."


def test_an_open_table_is_named(project: SupabaseAuth) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT ON django_session TO anon")
    lines, well = check()
    assert not well
    assert "table django_session: open to anon" in lines["rights"]["says"]
    assert lines["rights"]["remedy"] == "manage.py secure_database"


def test_people_read_words_and_the_doctor_says_the_same(project: SupabaseAuth) -> None:
    project.anonymous_users = True
    out = StringIO()
    with pytest.raises(CommandError, match=r"1 of \d+ are wrong"):
        call_command("supabase", "check", "--url", FORGE, stdout=out)
    assert "wrong  anonymous users: Anonymous users can sign in at the project" in out.getvalue()
    assert "→ Authentication, Sign In / Providers: turn it off." in out.getvalue()
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("doctor", "--json", stdout=said)
    lines = {line.get("name"): line for line in map(json.loads, said.getvalue().splitlines())}
    assert lines["supabase anonymous users"]["state"] == "failed"
    assert lines["supabase captcha"]["state"] == "ok"


def test_init_makes_the_bucket_when_told(project: SupabaseAuth, storage: SupabaseStorageStandIn) -> None:
    storage.buckets.clear()
    lines, _ = check()
    assert lines["bucket"]["remedy"] == "manage.py supabase init --yes"
    out = StringIO()
    call_command("supabase", "init", stdout=out)
    assert "Make the private bucket artifacts." in out.getvalue()
    assert storage.buckets == {}
    call_command("supabase", "init", "--yes", stdout=out)
    assert storage.buckets == {"artifacts": {}}
    assert storage.public == set()
    call_command("supabase", "init", stdout=out)
    assert "Nothing is missing" in out.getvalue()


def test_init_names_what_stands_in_the_way(storage: SupabaseStorageStandIn, settings: Settings) -> None:
    storage.redirect = "http://127.0.0.1:9/"
    with pytest.raises(CommandError, match="307"):
        call_command("supabase", "init", stdout=StringIO())
    settings.SUPABASE_SERVICE_KEY = "sb_publishable_x"
    with pytest.raises(CommandError, match="holds a publishable key"):
        call_command("supabase", "init", "--yes", stdout=StringIO())


def test_init_prints_and_runs_what_migrate_needs() -> None:
    name = f"init_{os.getpid()}"
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            url = make_conninfo(server, dbname=name)
            printed = manage(url, "supabase", "init").stdout
            assert f'CREATE SCHEMA "agentforge" AUTHORIZATION "{session.info.user}";' in printed
            assert "--yes" in printed
            assert "Done." in manage(url, "supabase", "init", "--yes").stdout
            assert "Nothing is missing" in manage(url, "supabase", "init").stdout
        finally:
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
