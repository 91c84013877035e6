"""Load every generated function in Node and call it once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from converter.problems import ConversionError

_SCRIPT = Path(__file__).with_name("smoke_test.mjs")
LIMIT = 60  # seconds, for all functions together


@dataclass(frozen=True)
class Trial:
    """The result for one function; `detail` is its response or the error."""

    function: str
    parsed: bool
    called: bool
    detail: str

    @property
    def passed(self) -> bool:
        return self.parsed and self.called


def call_functions(directory: Path) -> list[Trial]:
    """Call the functions below a directory; raises ConversionError if Node is missing or hangs."""
    node = shutil.which("node")
    if node is None:
        raise ConversionError("node was not found, so nothing was tested. Install it: apt-get install nodejs")
    command = [node, str(_SCRIPT), str(directory / "netlify" / "functions")]
    try:
        # Nothing is inherited: NODE_OPTIONS and the like change what Node runs.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory)}
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ConversionError(f"The functions did not respond within {LIMIT} s.") from error
    if result.returncode:
        raise ConversionError(f"The functions could not be tested: {result.stderr.strip()[-500:]}")
    return [Trial(**trial) for trial in json.loads(result.stdout)]
