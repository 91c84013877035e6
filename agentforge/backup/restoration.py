"""Restore a backup: everything is examined first, then files and secrets are put back, the database last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from agentforge import shared_secrets
from agentforge.machines import sharing

from . import age, database, manifest, parts, snapshot
from .database import Target
from .errors import BackupError
from .manifest import DUMP, SECRETS, Manifest
from .progress import Progress, size_of


@dataclass(frozen=True)
class Plan:
    """What will be restored, from where, and over what."""

    directory: Path
    manifest: Manifest
    secrets: dict[str, str]
    target: Target
    aside: str
    # Why it can't be restored here as it is; nothing if it can.
    obstacle: str


def examine(
    directory: Path,
    unlock: age.Unlock | None,
    progress: Progress,
    *,
    replace: bool,
    without_secrets: bool = False,
) -> Plan:
    """Check every hash, the dump's rows, the secrets and the target; change nothing.

    Raises BackupError unless the backup is whole and can be opened.
    """
    made = manifest.read((directory / manifest.NAME).read_text())
    _verify_files(directory, made, progress)
    target = database.examine(made.database["schema"])
    snapshot.verify(directory / DUMP, made.rows)
    _verify_version(made)
    secrets = {} if without_secrets else _opened_secrets(directory, made, unlock)
    aside = f"{target.schema}_before_{datetime.now(UTC):%Y%m%dT%H%M%S}".lower() if target.has_tables else ""
    return Plan(directory, made, secrets, target, aside, _obstacle(made, target, replace=replace))


def _obstacle(made: Manifest, target: Target, *, replace: bool) -> str:
    """Return why a whole backup can't be restored here, or nothing."""
    if target.people and not replace:
        accounts = "1 account" if target.people == 1 else f"{target.people} accounts"
        return (
            f"The database has a forge with {accounts}. Nothing was restored. With --replace, "
            "its tables are kept under another name, and the backup takes their place."
        )
    for part in parts.registered():
        facts = made.parts.get(part.name)
        if facts is not None and (obstacle := part.obstacle(facts, replace=replace)):
            return f"The {part.name} can't be restored. Nothing was restored. {obstacle}"
    try:
        database.verify_stopped()
    except BackupError as reason:
        return str(reason)
    return ""


def restore(plan: Plan, progress: Progress) -> list[str]:
    """Restore, and return what was kept under another name. Raises BackupError."""
    if plan.obstacle:
        raise BackupError(plan.obstacle)
    kept = _restore_secrets(plan.secrets)
    for part in parts.registered():
        if part.name not in plan.manifest.parts:
            continue
        count = total = 0
        paths = plan.manifest.files_of(part.name)
        for size in part.restore(plan.directory / part.name, paths, plan.manifest.parts[part.name]):
            count, total = count + 1, total + size
            progress.count(part.name, count, total)
        place = plan.manifest.parts[part.name].get("place", "")
        progress.line(f"{part.name}: {place or f'{count} files, {size_of(total)}'}")
    database.restore(
        plan.directory / DUMP, plan.target, settings.DATABASE_URL, plan.manifest.rows, plan.aside
    )
    progress.line(f"database: {sum(plan.manifest.rows.values())} rows of {len(plan.manifest.rows)} tables")
    # To this version's tables, and with exactly the rights that it declares.
    call_command("migrate", interactive=False, verbosity=0)
    sharing.forget_directories()
    if plan.aside:
        kept.append(f"the former tables: schema {plan.aside} (DROP SCHEMA {plan.aside} CASCADE; removes it)")
    return kept


def _verify_files(directory: Path, made: Manifest, progress: Progress) -> None:
    count = total = 0
    for path, (size, sha256) in made.files.items():
        try:
            with (directory / path).open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            whole = False
        if not whole:
            raise BackupError(f"{path} is missing in the backup, or damaged. Nothing was restored.")
        count, total = count + 1, total + size
        progress.count("checked", count, total)
    progress.line(f"checked: {count} files, {size_of(total)}")


def _verify_version(made: Manifest) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or ()}
    # Squashed migrations of packages may be gone; those of the forge's own apps are kept.
    if newer := sorted(set(made.migrations) - known):
        raise BackupError(
            f"A newer version of AgentForge made this backup (it has {newer[0]}). Nothing was restored. "
            "Update this one first."
        )


def _opened_secrets(directory: Path, made: Manifest, unlock: age.Unlock | None) -> dict[str, str]:
    """Return the backup's secrets, and make sure that this machine can use them."""
    if not made.has_secrets:
        return {}
    if unlock is None:
        raise BackupError(
            "The backup has its secrets, encrypted. Nothing was restored. Name what opens them: "
            "--passphrase-file or --identity. With --without-secrets, set yourself what they were."
        )
    try:
        values: dict[str, str] = json.loads(unlock.decrypt((directory / SECRETS).read_bytes()))
    except age.CannotOpen as reason:
        raise BackupError(f"The secrets can't be opened. Nothing was restored. {reason}") from None
    for secret in shared_secrets.TABLE:
        own = sharing.given(secret)
        if own and own != values[secret.variable]:
            raise BackupError(
                f"{secret.variable} is set here, and has another value than in the backup. Nothing was "
                "restored. Unset it, or set the backup's."
            )
    return values


def _restore_secrets(values: dict[str, str]) -> list[str]:
    """Write the secrets that no variable gives into `var/secrets`; return what was kept of other ones."""
    kept, var_dir = [], Path(settings.VAR_DIR)
    for secret in shared_secrets.TABLE:
        value = values.get(secret.variable, "")
        path, stored = secret.path(var_dir), secret.stored(var_dir)
        if not value or value == stored or sharing.given(secret):
            continue
        if stored:
            former = path.with_name(f"{path.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}")
            path.rename(former)
            kept.append(f"the former secret: {former}")
        shared_secrets.write(path, value, replace=True)
    return kept
