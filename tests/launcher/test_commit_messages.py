from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agentforge.launch import commit_messages
from tests.drivers.forge import ROOT

GIT = {
    **os.environ,
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "alice"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "alice@example.com"),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(directory), *arguments]
    return subprocess.run(command, env=GIT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "message",
    [
        "Add a provider",
        "Address the review",
        "Use tenacity for every retry\n\nOne policy replaces eleven loops.\n",
        "x" * 72,
        "Merge branch 'docs' into main, whose subject may be as long as git makes it, whatever that comes to",
    ],
)
def test_good_messages_pass(message: str) -> None:
    assert commit_messages.problems(message) == []


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("x" * 73, "73 characters"),
        ("Add a provider.", "period"),
        ("Added a provider", '"Added"'),
        ("Adds a provider", '"Adds"'),
        ("Fixed a race", '"Fixed"'),
        ("Removing a race", '"Removing"'),
        ("Add a provider\nand a tool", "line after the subject"),
        ("\n\n", "empty"),
    ],
)
def test_bad_messages_are_refused(message: str, problem: str) -> None:
    assert [problem in result for result in commit_messages.problems(message)] == [True]


def test_the_hook_reads_what_git_hands_over(tmp_path: Path) -> None:
    file = tmp_path / "COMMIT_EDITMSG"
    hook = ROOT / ".githooks" / "commit-msg"
    comments = f"# {'x' * 100}\n# ------------------------ >8 ------------------------\n{'+' * 100}\n"
    for subject, code in (("Add a provider", 0), ("Added a provider", 1)):
        file.write_text(f"{subject}\n\nWhy.\n{comments}")
        done = subprocess.run([str(hook), str(file)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr


def test_only_commits_after_the_base_are_checked(tmp_path: Path) -> None:
    assert git(tmp_path, "init", "--quiet").returncode == 0
    for subject in ("Added long ago.", "Add a provider", "Fixed it."):
        assert git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", subject).returncode == 0
    base = git(tmp_path, "rev-parse", "HEAD~2").stdout.strip()
    result = commit_messages.check_history(tmp_path, base)
    assert len(result) == 2
    assert all("Fixed it." in line for line in result)


def test_a_copy_without_the_history_is_skipped(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        commit_messages.check_history(tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "Add a provider")
    with pytest.raises(LookupError):
        commit_messages.check_history(tmp_path)
