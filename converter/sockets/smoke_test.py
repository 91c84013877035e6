"""Parse every generated function, and call it once."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from converter.problems import ConversionError

_SCRIPT = Path(__file__).with_name("smoke_test.mjs")
LIMIT = 60  # seconds, for all of them


@dataclass(frozen=True)
class Trial:
    """How it went with one function; `detail` says what it answered, or why it did not."""

    function: str
    parsed: bool
    called: bool
    detail: str

    @property
    def passed(self) -> bool:
        return self.parsed and self.called


def call_functions(directory: Path) -> list[Trial]:
    """Try the functions below a directory; raises ConversionError where Node is missing or hangs."""
    node = shutil.which("node")
    if node is None:
        raise ConversionError("node is missing, so nothing was tried. Install it: apt-get install nodejs")
    command = [node, str(_SCRIPT), str(directory / "netlify" / "functions")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        raise ConversionError(f"The functions did not answer within {LIMIT} s.") from error
    if done.returncode:
        raise ConversionError(f"The functions could not be tried: {done.stderr.strip()[-500:]}")
    return [Trial(**trial) for trial in json.loads(done.stdout)]
