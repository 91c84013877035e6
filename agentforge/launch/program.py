"""Run one process of the Procfile by itself: `python -m agentforge.launch.program worker`.

For systemd, containers and other process managers: the line gets the settings of the environment and of
`.env`, and this Python, and nothing else. `prepare` migrates the database and collects static files.
"""

from __future__ import annotations

import os
import subprocess
import sys

from environ import ImproperlyConfigured
from honcho.environ import parse_procfile

from agentforge import child_environment
from agentforge.environment import Environment

from . import options, schema


def main(arguments: list[str]) -> int:
    """Become the process of that name; return an exit code if there is none, or for what only prepares."""
    lines = parse_procfile((options.BASE_DIR / "Procfile").read_text()).processes
    names = [*lines, "prepare", "collect-static"]
    if len(arguments) != 1 or arguments[0] not in names:
        print(f"Name one process: {', '.join(names)}.", file=sys.stderr)
        return 2
    os.chdir(options.BASE_DIR)
    try:
        Environment().read_env(options.BASE_DIR / ".env")
        chosen = options.read()
    except ImproperlyConfigured as reason:
        print(f"A setting can't be read: {reason}", file=sys.stderr)
        return 1
    environment = child_environment.for_programs()
    if arguments[0] in lines:
        shell = ["sh", "-c", f"exec {lines[arguments[0]]}"]
        os.execve("/bin/sh", shell, env=environment)  # noqa: S606 - a line of ours
    try:
        if arguments[0] == "prepare":
            schema.manage("migrate", "--noinput", "--verbosity", "0", env=environment)
        schema.collect_static_files(chosen.var_dir / "static", environment)
    except subprocess.CalledProcessError as failure:
        # Its own words are above.
        return failure.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
