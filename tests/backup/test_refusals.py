"""What is no backup isn't restored, and nothing is lost by a restore."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg.conninfo import make_conninfo

from agentforge.accounts.models import User
from agentforge.backup import age
from builds.artifacts import storage
from builds.models import Artifact, Build
from configs.models import AgentConfig
from tests.deployments.finished_builds import build_of
from tests.drivers import people

from .machine import Done, Machine, manage, passphrase_file, said

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stored(agent: AgentConfig, alice: User) -> Build:
    """A build with files, without compiling it, of somebody who can sign in."""
    people.set_password(alice, "correct horse battery")
    return build_of(agent, alice, uuid4().hex)


@pytest.fixture
def word(root: Path) -> Path:
    return passphrase_file(root)


@pytest.fixture
def saved(stored: Build, root: Path, word: Path) -> Path:
    done = manage("backup", root / "saved", "--passphrase-file", word)
    assert done.returncode == 0, said(done)
    return root / "saved"


def refused(done: Done) -> str:
    """Return what a command said that changed nothing."""
    text = said(done)
    assert done.returncode == 1, text
    assert "Traceback" not in text
    assert "Nothing was restored" in text or "no backup" in text, text
    return text


def test_what_is_broken_is_named_and_not_restored(saved: Path, word: Path) -> None:
    """Nothing of this gets as far as to the database, which has a forge already."""

    def reason(*options: str | Path) -> str:
        with pytest.raises(CommandError, match=r"Nothing was restored|no backup") as refusal:
            call_command("restore", str(saved), *map(str, options or ("--passphrase-file", word)), "--yes")
        return str(refusal.value)

    assert "has a forge with 1 account." in reason()
    with Path(os.devnull).open() as nothing, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", nothing)
        assert "--passphrase-file or --identity" in reason("--replace")
    wrong = word.with_name("wrong")
    wrong.write_text("another passphrase")
    assert "The passphrase is wrong" in reason("--passphrase-file", wrong)
    for path in (saved / "database.dump", saved / "secrets.age", next((saved / "artifacts").glob("*/*"))):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert f"{path.relative_to(saved)} is missing in the backup, or damaged" in reason()
        path.write_bytes(whole)
    manifest = saved / "manifest.json"
    whole = manifest.read_bytes()
    facts = json.loads(whole)
    facts["rows"]["configs_agentconfig"] += 1
    manifest.write_text(json.dumps(facts))
    assert "configs_agentconfig (1 of 2 rows)" in reason()
    facts["rows"]["configs_agentconfig"] -= 1
    facts["files"]["artifacts/../../../outside"] = facts["files"]["database.dump"]
    manifest.write_text(json.dumps(facts))
    assert "manifest.json is damaged" in reason()
    manifest.write_bytes(whole[:-20])
    assert "manifest.json is damaged" in reason()
    manifest.unlink()
    assert "has no manifest.json" in reason()
    manifest.write_bytes(whole.replace(b"configs.0001_initial", b"configs.9999_later"))
    assert "A newer version" in reason()


def test_a_forge_with_people_is_kept(saved: Path, word: Path, empty: Machine, alice: User) -> None:
    command = ("restore", saved, "--passphrase-file", word, "--yes")
    checked = empty.manage(*command[:-1])
    assert checked.returncode == 0 and "Nothing was changed" in said(checked), said(checked)
    assert not any((empty.var / "artifacts").iterdir())
    first = empty.manage(*command)
    assert first.returncode == 0, said(first)
    assert "has a forge with 1 account" in refused(empty.manage(*command))
    second = empty.manage(*command, "--replace")
    assert second.returncode == 0 and "Kept the former tables: schema agentforge_before_" in said(second)
    assert empty.manage("access_token", alice.email).returncode == 0
    copy = empty.var.parent / "again"
    again = empty.manage("backup", copy, "--without-secrets")
    assert again.returncode == 0, said(again)
    rows = [
        json.loads((path / "manifest.json").read_text())["rows"]
        for path in (saved, empty.var.parent / "again")
    ]
    assert rows[0]["builds_artifact"] == rows[1]["builds_artifact"] > 0


@pytest.fixture
def elsewhere(db: None) -> Iterator[dict[str, str]]:
    """An empty database of the same ordinary role, for a machine with nothing else."""
    given = connection.get_connection_params()
    place = {key: given[key] for key in ("host", "port", "user", "password") if key in given}
    name = f"restored_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield {"DATABASE_URL": make_conninfo(**place, dbname=name)}
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_ordinary_role_restores(saved: Path, word: Path, elsewhere: dict[str, str], root: Path) -> None:
    """Row level security holds for the role that owns the tables, too."""
    machine = {**elsewhere, "AGENTFORGE_VAR": str(root / "elsewhere")}
    restored = manage("restore", saved, "--passphrase-file", word, "--yes", more=machine)
    assert restored.returncode == 0, said(restored)
    checked = manage("check", "--database", "default", more=machine)
    assert checked.returncode == 0, said(checked)
    with psycopg.connect(elsewhere["DATABASE_URL"]) as session:
        rows = session.execute("SELECT count(*) FROM agentforge.configs_agentconfig").fetchone()
        policies = session.execute("SELECT count(*) FROM pg_policies WHERE policyname = 'forge'").fetchone()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_policies WHERE policyname = 'forge'")
        assert (rows, policies) == ((1,), cursor.fetchone())


def test_a_running_forge_is_not_restored_over(saved: Path, word: Path) -> None:
    """This test's own connections are not the forge's; the name of one is."""
    with connection.cursor() as cursor:
        cursor.execute("SET application_name = 'agentforge web'")
    options = ("--passphrase-file", word, "--replace")
    done = manage("restore", saved, *options, "--yes")
    assert "Stop the forge on every machine first" in refused(done)
    checked = manage("restore", saved, *options)
    assert checked.returncode == 0, said(checked)
    assert "it is whole" in said(checked) and "can't be restored here as it is. Stop the forge" in said(
        checked
    )


def test_a_backup_can_be_checked_beside_its_forge(saved: Path, word: Path) -> None:
    checked = manage("restore", saved, "--passphrase-file", word)
    assert checked.returncode == 0, said(checked)
    assert "it is whole" in said(checked) and "With --replace" in said(checked)
    dump = saved / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-1])
    assert "damaged" in refused(manage("restore", saved, "--passphrase-file", word))


def test_a_stream_is_encrypted_to_a_public_key(stored: Build, root: Path, empty: Machine) -> None:
    key = root / "key.txt"
    made = manage("backup", "--new-identity", key)
    assert made.returncode == 0 and key.stat().st_mode & 0o777 == 0o600
    recipient = said(made).split()[-1]
    streamed = manage("backup", "-", "--recipient", recipient)
    assert streamed.returncode == 0, streamed.stderr
    with tarfile.open(fileobj=io.BytesIO(streamed.stdout)) as tar:
        names = tar.getnames()
        encrypted = tar.extractfile("secrets.age")
        assert encrypted is not None
        values = json.loads(age.Identity.read(key.read_text()).decrypt(encrypted.read()))
    assert names[-1] == "manifest.json" and names[0] == "database.dump"
    assert set(values) == {
        *("SECRET_KEY", "AGENTFORGE_IDENTITY_KEY", "AGENTFORGE_VAULT_KEYS", "AGENTFORGE_SIGNING_KEY"),
    }
    assert not any(value.encode() in streamed.stdout for value in values.values())
    cut = empty.manage("restore", "-", "--identity", key, stdin=streamed.stdout[: len(streamed.stdout) // 2])
    assert "no complete backup" in refused(cut)
    done = empty.manage("restore", "-", "--identity", key, "--yes", stdin=streamed.stdout)
    assert done.returncode == 0, said(done)
    assert (empty.var / "secrets" / "vault").read_text().strip() == values["AGENTFORGE_VAULT_KEYS"]


def test_secrets_leave_the_machine_only_encrypted(stored: Build, root: Path) -> None:
    done = manage("backup", root / "saved", stdin=b"")
    assert done.returncode == 1 and "--passphrase-file FILE or --recipient" in said(done)
    assert not (root / "saved").exists()


@pytest.fixture
def hidden(agent: AgentConfig) -> Iterator[str]:
    """A table of which the forge's own role sees no row any more."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER POLICY forge ON configs_revision USING (owner_id IS NULL)")
    yield "configs_revision"
    with connection.cursor() as cursor:
        cursor.execute("ALTER POLICY forge ON configs_revision USING (true)")


def test_hidden_rows_are_no_backup(hidden: str, root: Path) -> None:
    done = manage("backup", root / "saved", "--without-secrets")
    assert done.returncode == 1
    assert f"Row level security hides rows of {hidden}" in said(done)
    assert not (root / "saved" / "manifest.json").exists()


def test_a_lost_file_is_named(stored: Build, root: Path) -> None:
    # Its checksums are those of other tests' builds too, and these may store them again.
    lost = Artifact.objects.get(build=stored, name="bootstrap").sha256
    storage.path_of(lost).unlink()
    done = manage("backup", root / "saved", "--without-secrets")
    assert done.returncode == 3 and lost in said(done)
    assert (root / "saved" / "manifest.json").exists()
