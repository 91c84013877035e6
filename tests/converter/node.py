"""Node and pinned npm packages for the tests: run scripts, check syntax, compile TypeScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.drivers import npm

# Complete with their dependencies; install scripts do not run.
PACKAGES = {
    "typescript": "5.9.3",
    "@types/node": "20.19.24",
    "undici-types": "6.21.0",
    "postgres": "3.4.7",
}
HARNESS = Path(__file__).parent / "harness"


def program(name: str) -> str:
    return npm.program(name)


def packages() -> Path:
    """Return a node_modules with the pinned packages, installed once for all test processes."""
    return npm.packages(PACKAGES)


def syntax_errors(files: list[Path]) -> list[str]:
    """Return the errors of Node's parser: `node --check` for many files in one process."""
    names = [str(file) for file in files]
    errors: list[str] = run("check.cjs", names, NODE_OPTIONS="--experimental-vm-modules")
    return errors


def run(script: str, job: Any, **environment: str) -> Any:
    """Run a script of the harness with a job on its input, and return the JSON that it prints."""
    result = subprocess.run(
        [program("node"), str(HARNESS / script)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def drive(
    root: Path,
    requests: list[dict[str, Any]],
    targets: list[dict[str, Any]],
    aliases: list[list[str]] | None = None,
    environment: dict[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Send requests to the original routes and to the converted functions; return both responses of each."""
    job = {
        "typescript": str(packages() / "typescript"),
        "root": str(root),
        "aliases": aliases or [],
        "requests": requests,
        "targets": targets,
    }
    responses: list[dict[str, Any]] = run("drive.cjs", job, **(environment or {}))
    return responses


def compile_tree(directory: Path) -> str:
    """Compile all TypeScript below a directory into `built`, strictly; return the compiler's output."""
    options = {
        "target": "ES2022",
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "strict": True,
        "esModuleInterop": True,
        "allowJs": True,
        "skipLibCheck": True,
        "outDir": "built",
        "rootDir": ".",
        "types": ["node"],
        "lib": ["ES2023", "DOM", "DOM.Iterable"],
    }
    (directory / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["netlify"]}))
    modules = packages()
    (directory / "node_modules").symlink_to(modules)
    command = [program("node"), str(modules / "typescript" / "bin" / "tsc"), "-p", str(directory)]
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=540, check=False)
    # The compiler skips JavaScript files with declarations next to them.
    for file in directory.glob("netlify/**/*.cjs"):
        place = directory / "built" / file.relative_to(directory)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    return result.stdout
