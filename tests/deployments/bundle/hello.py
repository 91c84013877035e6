"""A minimal function, for tests that a real one would only slow down."""

from __future__ import annotations

import subprocess
from pathlib import Path

from builds.compiler.go_command import cache_directory
from builds.compiler.toolchain import find

SAYS = "Hello from Go"


def program(home: Path) -> Path:
    """Compile the function in an empty directory, and return its binary."""
    go = find("linux", "amd64", cgo=False)
    source, output = Path(__file__).with_name("hello.go"), home / "hello"
    command = go.build_command(package=str(source), output=output, mode="exe")
    environment = go.environment(cache=cache_directory(), home=home)
    subprocess.run(command, cwd=home, env=environment, check=True, stderr=subprocess.DEVNULL)
    return output
