"""The five steps of a migration, each reported and runnable alone; only with `apply` they write."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from converter.problems import Problem, Severity
from converter.routes.output import SOCKETS, TOML, check_inside, write
from converter.routes.project import Project
from converter.routes.resolver import clear_cache

from .configuration import toml_for
from .frontend import rewrite
from .generator import environment_of, generate
from .model import Analysis
from .servers import analyse
from .smoke_test import call_functions

STEPS = ("analyse", "generate", "frontend", "configure", "test")


@dataclass
class Report:
    """What one step found or did."""

    step: str
    lines: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def complete(self) -> bool:
        return not self.failed and not any(p.severity == Severity.ERROR for p in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        problems = [problem.as_dict() for problem in self.problems]
        return {
            "step": self.step,
            "success": self.complete,
            **self.facts,
            "problems": problems,
            "written": self.written,
        }


@dataclass
class Migration:
    """A migration of a directory; functions go to `out`."""

    project: Project
    found: Analysis
    directory: Path
    out: Path
    apply: bool
    files: dict[PurePosixPath, str]

    def run(self, step: str) -> Report:
        """Run one step."""
        report = Report(step)
        _RUNNERS[step](self, report)
        return report


def open_migration(directory: Path, out: Path | None, *, apply: bool) -> Migration:
    """Read a directory; raises ConversionError."""
    clear_cache()
    project, found = analyse(directory)
    files = generate(project, found)
    return Migration(project, found, directory.resolve(), out or directory, apply, files)


def _analyse(migration: Migration, report: Report) -> None:
    found = migration.found
    report.problems = sorted({*found.problems, *(p for s in found.servers for p in s.all_problems())})
    report.facts = {"servers": [server.as_dict() for server in found.servers]}
    if not found.servers:
        report.lines.append("No server of ws or socket.io was found.")
    for server in found.servers:
        report.lines.append(f"{server.file}:{server.line}: {server.library} server, from now on {server.url}")
        for handler in server.handlers:
            what = "the greeting" if handler.event == "connection" else f"'{handler.event}'"
            becomes = handler.becomes if handler.certain else "to be written by hand"
            report.lines.append(f"  {server.file}:{handler.line}: {what} becomes {becomes}")


def _generate(migration: Migration, report: Report) -> None:
    names = [str(path) for path in migration.files]
    report.facts = {"files": names}
    report.lines += [name for name in names if "/functions/" in name]
    if migration.apply:
        report.written = [str(path) for path in write(migration.files, migration.out)]


def _frontend(migration: Migration, report: Report) -> None:
    done = rewrite(migration.found)
    report.lines, report.problems = done.places, sorted(done.problems)
    names = [migration.project.name(path) for path in done.files]
    report.facts = {"files": names, "places": done.places}
    if migration.apply:
        _put(migration, done.files)
        report.written = names


def _put(migration: Migration, files: dict[Path, str]) -> None:
    """Write pages where they are, or at the same place below `out`."""
    inside = {PurePosixPath(path.relative_to(migration.directory)): text for path, text in files.items()}
    check_inside(inside, migration.out)
    for path, text in inside.items():
        place = migration.out / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())


def _configure(migration: Migration, report: Report) -> None:
    environment = environment_of(migration.project, migration.found)
    report.facts = {"environment": environment}
    report.lines = [f"{TOML}", *(f"set {name} on the site" for name in environment)]
    if migration.apply:
        report.written = [str(path) for path in write({TOML: toml_for(environment)}, migration.out, SOCKETS)]


def _test(migration: Migration, report: Report) -> None:
    """Try what generating gives now, in a place of its own."""
    if not any("functions" in path.parts for path in migration.files):
        report.lines.append("There is no function to try.")
        return
    with tempfile.TemporaryDirectory(prefix="agentforge-functions-") as name:
        write(migration.files, Path(name))
        modules = migration.project.root / "node_modules"
        if modules.is_dir():
            (Path(name) / "node_modules").symlink_to(modules.resolve())
        trials = call_functions(Path(name))
    report.facts = {"trials": [vars(trial) | {"passed": trial.passed} for trial in trials]}
    report.lines = [f"{'passed' if t.passed else 'FAILED'}  {t.function}: {t.detail}" for t in trials]
    report.failed = not all(trial.passed for trial in trials)


_RUNNERS: dict[str, Callable[[Migration, Report], None]] = {
    "analyse": _analyse,
    "generate": _generate,
    "frontend": _frontend,
    "configure": _configure,
    "test": _test,
}
