"""Check commit messages: one that is being written (the commit-msg hook), or all new ones (`make lint`).

usage: python3 agentforge/launch/commit_messages.py [FILE]

The hook runs it with the system's Python, so it imports the standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
# The last commit that is not checked.
BASE = "90e19286c952a9656f2e441832945330ef783ef3"
LONGEST_SUBJECT = 72
_SCISSORS = re.compile(r"^# -+ >8 -+$.*", re.MULTILINE | re.DOTALL)
# Written by git.
_GENERATED = ("Merge ", 'Revert "', 'Reapply "', "fixup! ", "squash! ", "amend! ")
_STEMS = (
    *("Add", "Allow", "Chang", "Check", "Clean", "Convert", "Correct", "Creat", "Delet", "Document", "Drop"),
    *("Fix", "Handl", "Implement", "Improv", "Introduc", "Mak", "Mov", "Pass", "Refactor", "Remov", "Renam"),
    *("Replac", "Reword", "Shorten", "Simplif", "Support", "Updat", "Us"),
)
_NOT_IMPERATIVE = re.compile(rf"(?:{'|'.join(_STEMS)})(?:[bcdfgmnprt]?(?:ed|ing)|e?s|ied|ies|ying)\b")


def problems(message: str) -> list[str]:
    """Return what is wrong with a commit message, one sentence each."""
    subject, *rest = message.strip("\n").split("\n")
    if subject.startswith(_GENERATED):
        return []
    found = []
    if not subject.strip():
        found.append("The subject is empty.")
    if len(subject) > LONGEST_SUBJECT:
        found.append(f"The subject has {len(subject)} characters; at most {LONGEST_SUBJECT} are allowed.")
    if subject.endswith("."):
        found.append("The subject ends with a period.")
    if wrong := _NOT_IMPERATIVE.match(subject):
        found.append(f'The subject begins with "{wrong[0]}"; use the imperative ("Add", "Fix").')
    if rest and rest[0].strip():
        found.append("The line after the subject is not empty.")
    return found


def check_file(path: Path) -> list[str]:
    """Check the file that git hands to the commit-msg hook; comment lines do not count."""
    text = _SCISSORS.sub("", path.read_text(encoding="utf-8", errors="replace"))
    return problems("\n".join(line for line in text.split("\n") if not line.startswith("#")))


def check_history(directory: Path = BASE_DIR, base: str = BASE) -> list[str]:
    """Check every commit after `base`; raises LookupError where that history is missing."""
    return [
        f"{commit[:10]} {subject}\n    {problem}"
        for commit, message in _commits(directory, base)
        for subject in message.strip("\n").split("\n")[:1]
        for problem in problems(message)
    ]


def _commits(directory: Path, base: str) -> Iterator[tuple[str, str]]:
    try:
        _git(directory, "merge-base", "--is-ancestor", base, "HEAD")
        log = _git(directory, "log", "--no-merges", "--format=%H%n%B%x00", f"{base}..HEAD")
    except subprocess.CalledProcessError as error:
        raise LookupError(f"no git history back to {base[:10]} here") from error
    for entry in log.split("\0"):
        commit, _, message = entry.lstrip("\n").partition("\n")
        if commit:
            yield commit, message


def _git(directory: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise LookupError("git is not installed")
    done = subprocess.run(
        [git, "-C", str(directory), *arguments],
        # A hook's GIT_DIR names another repository than `directory`.
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=True,
    )
    return done.stdout


def main(arguments: list[str]) -> int:
    try:
        found = check_file(Path(arguments[0])) if arguments else check_history()
    except LookupError as reason:
        print(f"Skipped: {reason}.")
        return 0
    if found:
        print("\n".join([*found, "The rules: CONTRIBUTING.md, Commits."]), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
