"""The agent's MCP client passes the conformance suite of the protocol, by the requirements of both versions.

Left out are scenarios of what the client does not have and does not announce: OAuth (`auth/*`; servers get
their owner's key), and forms for the user (`elicitation-sep1034-client-defaults`, and of
`sep-2322-client-request-state` the three checks of a call that a form puts off).
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drivers import npm
from tests.drivers.agent_programs import compiled_tests

# The suite needs Node 22; npm has Node itself as a package for each kind of machine.
_NODE = f"node-{sys.platform}-{'x64' if platform.machine() in ('x86_64', 'AMD64') else 'arm64'}"
VERSIONS = {"@modelcontextprotocol/conformance": "0.2.0-alpha.12", _NODE: "22.23.3"}
LEGACY, MODERN = "2025-11-25", "2026-07-28"
SCENARIOS = [
    ("initialize", LEGACY),
    ("tools_call", LEGACY),
    ("sse-retry", LEGACY),
    ("json-schema-2020-12-preservation", LEGACY),
    ("tools_call", MODERN),
    ("request-metadata", MODERN),
    ("http-standard-headers", MODERN),
    ("http-custom-headers", MODERN),
    ("http-invalid-tool-headers", MODERN),
    ("json-schema-ref-no-deref", MODERN),
    ("json-schema-2020-12-preservation", MODERN),
]
_LEFT_OUT = {
    "elicitation-sep1034-client-defaults",
    "sep-2322-client-request-state",
}


def suite(*words: str) -> str:
    """Run the suite and return what it printed."""
    modules = npm.packages(VERSIONS)
    node = modules / _NODE / "bin" / "node"
    script = modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    command = [str(node), str(script), *words]
    done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=120, check=False)
    return re.sub(r"\x1b\[\d*m", "", done.stdout + done.stderr)


@pytest.mark.parametrize(("scenario", "version"), SCENARIOS)
def test_a_scenario_passes(scenario: str, version: str) -> None:
    client = compiled_tests("mcpclient")
    printed = suite("client", "--command", str(client), "--scenario", scenario, "--spec-version", version)
    assert "OVERALL: PASSED" in printed, printed
    assert re.search(r"Passed: [1-9]\d*/", printed), printed


def test_no_other_scenario_is_left_out() -> None:
    requirements = npm.packages(VERSIONS) / "@modelcontextprotocol" / "conformance" / "requirements"
    for version in (LEGACY, MODERN):
        required = _client_scenarios(requirements / f"{version}.yaml")
        assert required, version
        covered = {name for name, of in SCENARIOS if of == version} | _LEFT_OUT
        assert {name for name in required if not name.startswith("auth/")} <= covered


def _client_scenarios(file: Path) -> set[str]:
    """Return the names in the list `client` of a requirement set."""
    _, _, rest = file.read_text().partition("\nclient:\n")
    lines = rest.partition("\n\n")[0].splitlines()
    return {line.removeprefix("  - ").strip() for line in lines if line.startswith("  - ")}
