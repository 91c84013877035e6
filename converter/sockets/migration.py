"""The five steps of a migration. Each can run alone; only with `apply` do they write."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from converter.problems import Problem, has_errors
from converter.routes.output import SOCKETS, TOML, check_inside, environment_comment, write
from converter.routes.project import Project
from converter.routes.resolver import clear_cache

from .frontend import rewrite_clients
from .generator import generate
from .model import Analysis
from .servers import analyse
from .smoke_test import call_functions

STEPS = ("analyse", "generate", "frontend", "configure", "test")


@dataclass
class Report:
    """The result of one step."""

    step: str
    lines: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def complete(self) -> bool:
        return not self.failed and not has_errors(self.problems)

    def as_dict(self) -> dict[str, Any]:
        problems = [problem.as_dict() for problem in self.problems]
        return {
            "step": self.step,
            "success": self.complete,
            **self.facts,
            "problems": problems,
            "written": self.written,
        }

    def report_lines(self) -> list[str]:
        """Return the results and problems, for a terminal."""
        problems = [line for problem in self.problems for line in problem.report_lines()]
        written = [f"{len(self.written)} files written."] if self.written else []
        return [*self.lines, *problems, *written]


@dataclass
class Migration:
    """A migration of a directory; functions are written to `out`."""

    project: Project
    analysis: Analysis
    directory: Path
    out: Path
    apply: bool
    files: dict[PurePosixPath, str]
    environment: list[str]

    def run(self, step: str) -> Report:
        report = Report(step)
        _RUNNERS[step](self, report)
        return report


def open_migration(directory: Path, out: Path | None, *, apply: bool) -> Migration:
    """Read a directory; raises ConversionError."""
    clear_cache()
    project, analysis = analyse(directory)
    files, environment = generate(project, analysis)
    return Migration(project, analysis, directory.resolve(), out or directory, apply, files, environment)


def _analyse(migration: Migration, report: Report) -> None:
    servers = migration.analysis.servers
    problems = {problem for server in servers for problem in server.all_problems()}
    report.problems = sorted({*migration.analysis.problems, *problems})
    report.facts = {"servers": [server.as_dict() for server in servers]}
    if not servers:
        report.lines.append("No server of ws or socket.io was found.")
    for server in servers:
        report.lines.append(f"{server.file}:{server.line}: {server.library} server becomes {server.url}")
        for handler in server.handlers:
            source = "the greeting" if handler.event == "connection" else f"'{handler.event}'"
            target = handler.replacement if handler.convertible else "NOT CONVERTED"
            report.lines.append(f"  {server.file}:{handler.line}: {source} becomes {target}")


def _generate(migration: Migration, report: Report) -> None:
    names = [str(path) for path in migration.files]
    report.facts = {"files": names}
    report.lines += [name for name in names if "/functions/" in name]
    if migration.apply:
        report.written = [str(path) for path in write(migration.files, migration.out)]


def _frontend(migration: Migration, report: Report) -> None:
    changes = rewrite_clients(migration.analysis)
    report.lines, report.problems = changes.places, sorted(changes.problems)
    names = [migration.project.name(path) for path in changes.files]
    report.facts = {"files": names, "places": changes.places}
    if migration.apply:
        _write_pages(migration, changes.files)
        report.written = names


def _write_pages(migration: Migration, files: dict[Path, str]) -> None:
    """Write pages in place, or at the same path below `out`."""
    pages = {PurePosixPath(path.relative_to(migration.directory)): text for path, text in files.items()}
    check_inside(pages, migration.out)
    for path, text in pages.items():
        place = migration.out / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())


def _configure(migration: Migration, report: Report) -> None:
    report.facts = {"environment": migration.environment}
    report.lines = [f"{TOML}", *(f"set {name} on the site" for name in migration.environment)]
    if migration.apply:
        # Each function declares its own URL.
        files = {TOML: environment_comment(migration.environment)}
        report.written = [str(path) for path in write(files, migration.out, SOCKETS)]


def _test(migration: Migration, report: Report) -> None:
    """Call the generated functions in a temporary directory."""
    if not any("functions" in path.parts for path in migration.files):
        report.lines.append("There are no functions to test.")
        return
    with tempfile.TemporaryDirectory(prefix="agentforge-functions-") as name:
        directory = Path(name)
        write(migration.files, directory)
        modules = migration.project.root / "node_modules"
        if modules.is_dir():
            (directory / "node_modules").symlink_to(modules.resolve())
        trials = call_functions(directory)
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
