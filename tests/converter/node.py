"""Node for the tests: whether it is there, the TypeScript compiler from npm, and `node --check`."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

# With what they require; nothing of theirs runs while they are installed.
PACKAGES = {
    "typescript": "5.9.3",
    "@types/node": "20.19.24",
    "undici-types": "6.21.0",
    "postgres": "3.4.7",
}
CACHE = Path(tempfile.gettempdir()) / f"agentforge-npm-{os.getuid()}"
REMEDY = "Install Node 18 or newer with npm: apt-get install nodejs npm"


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing. {REMEDY}")
    return found


def packages() -> Path:
    """Return a node_modules with the pinned packages, installed once for all test processes."""
    wanted = "-".join(f"{name.split('/')[-1]}-{version}" for name, version in PACKAGES.items())
    directory = CACHE / wanted
    CACHE.mkdir(mode=0o700, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "complete").is_file():
            _install(directory)
    return directory / "node_modules"


def _install(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
    command = [program("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=150, check=False)
    if done.returncode:
        pytest.fail(f"npm could not install {', '.join(PACKAGES)}: {done.stderr[-2000:]}")
    (directory / "complete").touch()


def check(files: list[Path]) -> list[str]:
    """Return what Node's parser says against the files: `node --check` for many in one process."""
    script = Path(__file__).parent / "harness" / "check.cjs"
    complaints: list[str] = run(
        script, [str(file) for file in files], NODE_OPTIONS="--experimental-vm-modules"
    )
    return complaints


def run(script: Path, job: Any, **environment: str) -> Any:
    """Run a script of Node with a job on its input, and return the JSON that it prints."""
    done = subprocess.run(
        [program("node"), str(script)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def compile_tree(directory: Path) -> str:
    """Compile all TypeScript below a directory into `built`, strictly; return what the compiler says."""
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
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=150, check=False)
    # The compiler leaves out the JavaScript that has its types beside it.
    for file in directory.glob("netlify/**/*.cjs"):
        place = directory / "built" / file.relative_to(directory)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    return done.stdout
