from __future__ import annotations

import os
import subprocess
import sys

import pytest

# What depends most on who connects.
TESTS = (
    "tests/tenancy/test_row_level_security.py",
    "tests/tenancy/test_checks.py",
    "tests/accounts/test_sign_in.py",
)


@pytest.mark.slow
def test_the_forge_needs_no_superuser() -> None:
    """Run these tests on a server of their own, as the plain owner of the tables, who made the roles."""
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *TESTS, "-n0", "-q", "-p", "no:cacheprovider"],
        env={**environment, "TEST_AS_ORDINARY_ROLE": "1", "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
