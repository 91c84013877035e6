"""Take the steps of `go build` without asking it: what it prints for one agent is a plan for others.

`go build -x` prints the commands that compile and link, as a shell script. Agents with the same APIs differ
in it only by the path of their module, by directories and by the files at the top. So a plan spares each of
them loading and checking about 200 packages. Go promises nothing of this format: a plan counts once its bytes
are those of `go build`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builds.errors import BuildError

from . import linker_questions, processes, sandbox
from .go_command import COMPILE_LIMITS, go_directory, remove_older, run_go
from .toolchain import Toolchain

# As long as the packages that a plan names count as cached.
KEPT_SECONDS = 24 * 3600.0
# The version of how a plan is made from what Go prints.
FORMAT = "plan 3"
_WORK, _TREE, _OUTPUT, _MODULE = "@WORK@", "@TREE@", "@OUTPUT@", "@MODULE@"
# What is done for Go's cache, or was done already.
_SPARED = re.compile(
    rf"^(?:WORK=.*|mkdir -p (?!{_WORK}).*|go tool buildid .*|cp .* # internal)\n", re.MULTILINE
)
_COMPILED = re.compile(rf"^({_MODULE}\S*)$", re.MULTILINE)
# The files of the package at the top, which differ by the chosen tools; Go sorts them as the shell does.
_TOP_FILES = re.compile(r"(?: \./\w+\.go)+$", re.MULTILINE)
# What Go prints of a file that does not end with a line break.
_UNENDED = re.compile(r"(?<=[^\n])EOF$", re.MULTILINE)
_CACHED = re.compile(r"^packagefile [^=\n]+=(/.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Program:
    """What differs between two agents that are compiled by the same plan."""

    module: str
    tree: Path
    output: Path


@dataclass(frozen=True)
class Plan:
    """A shell script with placeholders for what differs."""

    text: str

    @classmethod
    def of(cls, printed: Sequence[str], program: Program) -> Plan:
        """Return the plan in what `go build -x` printed for a program.

        Raises BuildError if it has another form than expected, or Go compiles only some of the files at the
        top: a plan compiles all that it finds there.
        """
        text = "\n".join(printed) + "\n"
        if not (work := re.search(r"^WORK=(/\S+)$", text, re.MULTILINE)):
            raise BuildError("Go printed no working directory.")
        text = text.replace(work[1], "$WORK").replace("$WORK", _WORK)
        places = {str(program.output): _OUTPUT, str(program.tree): _TREE, program.module: _MODULE}
        for actual, placeholder in places.items():
            text = text.replace(actual, placeholder)
        text = _UNENDED.sub("\nEOF", _SPARED.sub("", text))
        every_file = "".join(f" ./{path.name}" for path in sorted(program.tree.glob("*.go")))
        if (compiled := _TOP_FILES.findall(text)) != [every_file]:
            raise BuildError(f"At the top are{every_file}, but Go compiles{''.join(compiled) or ' none'}.")
        return cls(_TOP_FILES.sub(" ./*.go", _COMPILED.sub(r"echo \1 >&2", text)))

    def is_whole(self) -> bool:
        """Return whether the cache has all packages that it names."""
        return all(os.path.exists(path) for path in _CACHED.findall(self.text))

    def script(self, program: Program, work: Path) -> str:
        """Return the script of a program; `work` is a directory for it."""
        places = {_WORK: work, _TREE: program.tree, _OUTPUT: program.output, _MODULE: program.module}
        text = self.text
        for placeholder, actual in places.items():
            text = text.replace(placeholder, str(actual))
        # The linker's object files are larger than all others, and gone after a moment.
        return f"set -e\nexport TMPDIR={sandbox.temporary_directory(work)}\n{text}"


def find(key: str) -> Plan | None:
    """Return the plan that was kept under a key, if its packages are still cached."""
    try:
        plan = Plan(_path(key).read_text())
    except FileNotFoundError:
        return None
    return plan if plan.is_whole() else None


def keep(key: str, plan: Plan) -> None:
    path = _path(key)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(plan.text)
    temporary.replace(path)


def discard(key: str) -> None:
    _path(key).unlink(missing_ok=True)


def prune(now: float) -> int:
    """Remove the plans that no longer count; return their number."""
    return remove_older(_directory(), KEPT_SECONDS, now)


def _path(key: str) -> Path:
    return _directory() / f"{key}.sh"


def _directory() -> Path:
    path = go_directory() / "plans"
    path.mkdir(exist_ok=True)
    return path


async def record(toolchain: Toolchain, command: list[str], program: Program, home: Path) -> Plan:
    """Build a program, of which nothing may be in the cache, and return the plan of it.

    Raises BuildError.
    """
    printed: list[str] = []
    command = [command[0], command[1], "-x", *command[2:]]
    limits = COMPILE_LIMITS[toolchain.cc_kind]
    await run_go(toolchain, command, program.tree, home, lambda _, text: printed.append(text), limits=limits)
    steps = Plan.of(printed, program).text
    printed.clear()
    asking = Plan(linker_questions.listening(steps, _WORK))
    await run(toolchain, asking, program, home, lambda _, text: printed.append(text))
    return Plan(linker_questions.answered(steps, _WORK, linker_questions.heard(printed)))


async def run(
    toolchain: Toolchain, plan: Plan, program: Program, home: Path, on_line: processes.OnLine
) -> None:
    """Compile and link a program by a plan, in the sandbox, as `run_go`.

    Raises BuildError also if no step failed, but none wrote the program.
    """
    # In a new directory: what ran in the sandbox before could have left a link in `home`.
    work = home / "steps"
    work.mkdir()
    script = work / "steps.sh"
    script.write_text(_write_files(plan.script(program, work), work))
    command = ["/bin/sh", str(script)]
    limits = COMPILE_LIMITS[toolchain.cc_kind]
    await run_go(toolchain, command, program.tree, home, on_line, limits=limits)
    if not program.output.is_file():
        raise BuildError("They wrote no program.")


def _write_files(text: str, work: Path) -> str:
    """Make the directories and write the files of a script below `work`, which spares it as many processes.

    Returns the rest of the script.
    """

    def make(directory: re.Match[str]) -> str:
        Path(directory[1]).mkdir(parents=True, exist_ok=True)
        return ""

    def write(file: re.Match[str]) -> str:
        Path(file[1]).write_text(file[3])
        return ""

    below = rf"({re.escape(str(work))}/?\S*)"
    rest = re.sub(rf"^mkdir -p {below}\n", make, text, flags=re.MULTILINE)
    here_document = rf"^cat >{below} << '(\w+)'.*?\n(.*?)^\2\n"
    return re.sub(here_document, write, rest, flags=re.MULTILINE | re.DOTALL)
