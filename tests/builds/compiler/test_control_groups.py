"""Groups of cgroup v2, in directories that look like its mount; a real one is used where there is one."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from builds.compiler import control_groups, sandbox
from builds.compiler.control_groups import ControlGroupError, Parent, find


def _mount(directory: Path, controllers: str = "cpu memory pids", handed_on: str = "") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cgroup.controllers").write_text(f"{controllers}\n")
    (directory / "cgroup.subtree_control").write_text(handed_on)
    return directory


def _group(directory: Path) -> Path:
    directory.mkdir(parents=True)
    (directory / "cgroup.subtree_control").write_text("")
    return directory


def test_a_command_runs_in_a_group_with_its_limits(tmp_path: Path) -> None:
    parent = find(_mount(tmp_path / "cgroup"), tmp_path / "none", _group(tmp_path / "cgroup" / "own"))
    assert (parent.directory / "cgroup.subtree_control").read_text() == "+memory +pids"
    done = subprocess.run(
        parent.enter(["/bin/sh", "-c", "echo $$ $0", "two words"], memory=3, processes=7),
        capture_output=True,
        text=True,
        check=True,
    )
    process, said = done.stdout.strip().split(" ", 1)
    assert said == "two words"
    written = [
        {file.name: file.read_text().strip() for file in group.iterdir()}
        for group in parent.directory.glob("sandbox-*")
    ]
    assert {
        "memory.max": str(3 * 1024 * 1024),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "7",
        "cgroup.procs": process,
    } in written


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a directory at the mount")
def test_root_makes_its_directory_at_the_mount(tmp_path: Path) -> None:
    mount = _mount(tmp_path / "cgroup")
    _group(mount / "agentforge")
    assert find(mount, tmp_path / "none").directory == mount / "agentforge"
    assert (mount / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_another_user_uses_the_delegated_group_above_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    mount = _mount(tmp_path / "cgroup")
    unit = _group(mount / "system.slice" / "forge.service")
    own = tmp_path / "own"
    own.write_text("1:name=systemd:/elsewhere\n0::/system.slice/forge.service/forge\n")
    assert find(mount, own).directory == unit
    assert (mount / "cgroup.subtree_control").read_text() == ""
    own.write_text("0::/\n")
    with pytest.raises(ControlGroupError, match="delegated") as error:
        find(mount, own)
    assert "Delegate=yes" in error.value.remedy


@pytest.mark.parametrize("controllers", ["", "hugetlb", "cpu memory"])
@pytest.mark.parametrize("place", [".", "unified"])
def test_missing_controllers_are_named(tmp_path: Path, controllers: str, place: str) -> None:
    _mount(tmp_path / place, controllers)
    with pytest.raises(ControlGroupError, match=r"does not control (memory and )?pids"):
        find(tmp_path, tmp_path / "none")


def test_a_machine_without_cgroup_v2_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlGroupError, match="no cgroup v2 is mounted"):
        find(tmp_path, tmp_path / "none")


def test_a_group_that_takes_no_process_is_refused(tmp_path: Path) -> None:
    mount = _mount(tmp_path / "cgroup")
    chosen = tmp_path / "full"
    chosen.mkdir()
    (chosen / "cgroup.subtree_control").mkdir()
    with pytest.raises(ControlGroupError, match="can't be changed"):
        find(mount, tmp_path / "none", chosen)
    with pytest.raises(ControlGroupError, match="can't be used"):
        Parent(tmp_path / "missing").prove()


def test_groups_of_ended_sandboxes_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, running = tmp_path / "sandbox-ended", tmp_path / "sandbox-running"
    ended.mkdir()
    running.mkdir()
    (running / "cgroup.procs").write_text("1")
    Parent(tmp_path).enter(["true"], memory=1, processes=1)
    assert ended.exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    Parent(tmp_path).enter(["true"], memory=1, processes=1)
    assert not ended.exists()
    assert running.exists()


@pytest.mark.parametrize("level", [sandbox.BUBBLEWRAP, sandbox.LIMITS])
def test_what_a_sandbox_starts_is_in_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    if level == sandbox.BUBBLEWRAP and sandbox.level() != level:
        pytest.skip("bubblewrap does not work on this machine")
    groups, work = tmp_path / "groups", tmp_path / "work"
    groups.mkdir()
    work.mkdir()
    monkeypatch.setattr(control_groups, "parent", lambda: Parent(groups))
    limits = sandbox.Limits(seconds=10, data=64, processes=9)
    access = sandbox.FileAccess(work, writes=[work])
    command = sandbox.wrap(["/bin/sh", "-c", "ls /sys/fs/cgroup; echo ran"], access, limits, at=level)
    done = subprocess.run(command, cwd=work, env={}, capture_output=True, text=True, check=True)
    assert "ran" in done.stdout
    (group,) = groups.iterdir()
    assert (group / "pids.max").read_text() == "9\n"
    assert int((group / "memory.max").read_text()) == limits.memory * sandbox.MIB
    assert (group / "cgroup.procs").read_text().strip().isdigit()
