"""Prove what the sandbox forbids: a script tries to break out, and reports what it could do.

The script touches only files that are made for it.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .sandbox_account import account

# (own directory, read-only directory) to the command that runs the script in the sandbox.
Wrap = Callable[[Sequence[str], Path, Path], list[str]]
_SECONDS = 20
_DID_NOT_RUN = "it did not start"
# Each line that the script prints is a failed proof; the last one shows that it got to the end.
_END = "end of proofs"
_SCRIPT = r"""
value() { while read -r name first rest; do [ "$name" = "$1:" ] && echo "$first"; done < /proc/self/status; }
limited() { grep -q "^$1  *$2 " /proc/self/limits; }
failed() { echo "$1"; }
[ "$(value Uid)" = "$USER_ID" ] || failed "it runs as another user than it should"
for set in CapInh CapPrm CapEff CapAmb CapBnd; do
  [ "$(value $set)" = 0000000000000000 ] || failed "it has capabilities ($set)"
done
[ "$(value NoNewPrivs)" = 1 ] || failed "it may gain privileges"
[ "$(value Seccomp)" = 2 ] || failed "no seccomp filter is active"
unshare --user true 2>/dev/null && failed "it may create user namespaces"
unshare --mount true 2>/dev/null && failed "it may create mount namespaces"
mount -o remount,bind,rw "$READABLE" 2>/dev/null && failed "it may remount a read-only directory"
(: >> /proc/sys/kernel/hostname) 2>/dev/null && failed "/proc/sys can be written"
[ -w /sys/kernel ] && failed "/sys can be written"
[ -w /usr ] && failed "/usr can be written"
[ -w /dev ] || [ -w /dev/shm ] && failed "/dev can be written"
[ -e "$SECRET" ] && failed "it sees other files of this machine"
(: >> "$READABLE/file") 2>/dev/null && failed "a read-only directory can be written"
(: >> "$WRITABLE/file") 2>/dev/null || failed "its own directory can't be written"
[ "$(grep -c : /proc/net/dev)" = 1 ] || failed "it has a network"
[ "$(ls /proc | grep -c '^[0-9]')" -lt 12 ] || failed "it sees other processes"
limited "Max open files" "$OPEN_FILES" || failed "open files are not limited"
limited "Max processes" "$PROCESSES" || failed "processes are not limited"
limited "Max file size" "$FILE_SIZE" || failed "the size of files is not limited"
echo "$END"
"""


def failed_proofs(wrap: Wrap, *, open_files: int, processes: int, file_size: int) -> list[str]:
    """Return what the sandbox fails to forbid; empty if it keeps all its promises."""
    with tempfile.TemporaryDirectory(prefix="agentforge-proof-") as name:
        base = Path(name)
        writable, readable, secret = base / "writable", base / "readable", base / "secret"
        writable.mkdir()
        readable.mkdir(mode=0o755)
        secret.write_text("secret")
        environment = {
            "PATH": "/usr/bin:/bin",
            "USER_ID": str((account() or (os.geteuid(),))[0]),
            "READABLE": str(readable),
            "WRITABLE": str(writable),
            "SECRET": str(secret),
            "OPEN_FILES": str(open_files),
            "PROCESSES": str(processes),
            "FILE_SIZE": str(file_size),
            "END": _END,
        }
        command = wrap(["/bin/sh", "-c", _SCRIPT], writable, readable)
        return _run(command, environment)


def _run(command: Sequence[str], environment: dict[str, str]) -> list[str]:
    try:
        completed = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"{_DID_NOT_RUN} ({type(error).__name__})"]
    lines = completed.stdout.splitlines()
    if not lines or lines[-1] != _END:
        reason = completed.stderr.strip().splitlines()
        return [f"{_DID_NOT_RUN} ({reason[-1][:200] if reason else f'exit code {completed.returncode}'})"]
    return lines[:-1]


def has_started(failures: Sequence[str]) -> bool:
    """Return whether the script ran at all, however many of its proofs failed."""
    return not any(failure.startswith(_DID_NOT_RUN) for failure in failures)
