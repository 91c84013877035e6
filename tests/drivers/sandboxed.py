"""Mark what shows nothing where the machine has no sandbox that programs start in."""

from __future__ import annotations

import pytest

from builds.compiler import sandbox

SANDBOXED = pytest.mark.skipif(
    sandbox.level() not in (sandbox.BUBBLEWRAP, sandbox.PARTIAL),
    reason=f"needs bubblewrap, where it may make namespaces; here: {sandbox.description()}",
)
