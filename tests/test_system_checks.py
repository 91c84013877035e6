"""Each system check through the command that people run: what it is about makes `check` say it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from tests.drivers.forge import ROOT

SUPABASE = "https://abcdefgh.supabase.co"


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("accounts.E001", {"DEBUG": False, "SUPABASE_URL": "", "LOCAL_IDENTITY_ALLOWED": False}),
        ("accounts.E004", {"SUPABASE_URL": SUPABASE, "SUPABASE_ANON_KEY": ""}),
        ("accounts.E008", {"SECOND_FACTOR_PATHS": ["("]}),
        ("accounts.E009", {"SUPABASE_FORWARD_ADDRESSES": True, "SUPABASE_SERVICE_KEY": ""}),
        ("accounts.E010", {"SECOND_FACTOR_ACTS": ["nothing"]}),
        ("accounts.E012", {"AGENTFORGE_IDENTITY_KEY": "x"}),
        ("audit.E001", {"AUDIT_KEEP_DAYS": 3}),
        ("builds.E001", {"ARTIFACT_URL_SECONDS": 0}),
        ("builds.E010", {"AGENTFORGE_BUILDERS": [{"unknown": "member"}]}),
        ("builds.E011", {"AGENTFORGE_ROLE": "smith"}),
        ("builds.W001", {"AGENTFORGE_AGENT_SOURCES": Path("/nowhere")}),
        ("configs.E001", {"AGENTFORGE_VAULT_KEYS": ["x"]}),
        ("configs.E002", {"LOCAL_MODEL_URL": "ftp://127.0.0.1"}),
        ("deployments.E001", {"NETLIFY_CLIENT_ID": "x", "NETLIFY_CLIENT_SECRET": ""}),
        ("deployments.E002", {"AGENTFORGE_NETLIFY_URL": "nowhere"}),
    ],
)
def test_a_wrong_setting_is_told_by_check(code: str, wrong: dict[str, Any], settings: Settings) -> None:
    for name, value in wrong.items():
        setattr(settings, name, value)
    told = io.StringIO()
    try:
        call_command("check", stderr=told)
    except CommandError as error:
        told.write(str(error))
    assert f"({code})" in told.getvalue()


def test_a_sandbox_that_does_not_work_is_told_by_check(tmp_path: Path) -> None:
    """The first bwrap on the path is one that never starts."""
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "(builds.W002)" in done.stderr
