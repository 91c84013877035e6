"""The seccomp filter of the sandbox: a deny list of system calls, as a classic BPF program for bwrap.

Denied calls fail with EPERM. They reach the kernel's rarely used, privileged or escape-prone parts; compilers
and agents need none of them.
"""

from __future__ import annotations

import errno
import functools
import os
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
# Offsets in struct seccomp_data: the call, the architecture, the low half of each argument (little-endian).
_CALL, _ARCHITECTURE, _ARGUMENTS = 0, 4, (16, 24, 32)
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET; NEWTIME is not a flag of clone().
_NAMESPACES = 0x7E020000
_X32 = 0x40000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
# AF_UNIX, AF_INET, AF_INET6.
_FAMILIES = (1, 2, 10)
# Name resolution lists the interfaces by NETLINK_ROUTE; other protocols reach deep into the kernel.
_AF_NETLINK, _NETLINK_ROUTE = 16, 0
# From 424 on, the numbers are the same for all architectures: io_uring_*, the mount calls, pidfd_getfd,
# process_madvise, mount_setattr, quotactl_fd, memfd_secret.
_COMMON = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442, 443, 447)
# Calls from this one on are newer than this list: what they reach is not known here.
_UNKNOWN = 463
_CLONE3 = 435


@dataclass(frozen=True)
class _Architecture:
    audit: int
    clone: int
    socket: int
    ioctl: int
    denied: tuple[int, ...]


# In both lists: mount umount2 pivot_root chroot unshare setns ptrace process_vm_readv process_vm_writev kcmp
# bpf perf_event_open userfaultfd add_key request_key keyctl init_module delete_module finit_module kexec_load
# kexec_file_load reboot swapon swapoff sethostname setdomainname acct quotactl settimeofday clock_settime
# adjtimex clock_adjtime syslog name_to_handle_at open_by_handle_at fanotify_init vhangup lookup_dcookie
# nfsservctl; shmget semget msgget mq_open memfd_create, whose memory no limit of a process counts; on x86-64
# also iopl ioperm modify_ldt uselib _sysctl.
_ARCHITECTURES = {
    "x86_64": _Architecture(
        audit=0xC000003E,
        clone=56,
        socket=41,
        ioctl=16,
        denied=(
            *(165, 166, 155, 161, 272, 308, 101, 310, 311, 312, 321, 298, 323, 248, 249, 250, 175, 176, 313),
            *(246, 320, 169, 167, 168, 170, 171, 163, 179, 164, 227, 159, 305, 103, 303, 304, 300, 153, 212),
            *(180, 29, 64, 68, 240, 319, 172, 173, 154, 134, 156),
        ),
    ),
    "aarch64": _Architecture(
        audit=0xC00000B7,
        clone=220,
        socket=198,
        ioctl=29,
        denied=(
            *(40, 39, 41, 51, 97, 268, 117, 270, 271, 272, 280, 241, 282, 217, 218, 219, 105, 106, 273, 104),
            *(294, 142, 224, 225, 161, 162, 89, 60, 170, 112, 171, 266, 116, 264, 265, 262, 58, 18, 42),
            *(194, 190, 186, 180, 279),
        ),
    ),
}


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one instruction; a jump skips `if_true` or `if_false` instructions."""
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _fail(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _refuse(calls: Iterable[int], number: int) -> list[bytes]:
    return [step for call in calls for step in (_step(_EQUAL, call, 0, 1), _fail(number))]


def _inspect(call: int, checks: list[bytes]) -> list[bytes]:
    """Return the steps that run `checks`, which end in a verdict, for this call only."""
    return [_step(_EQUAL, call, 0, len(checks)), *checks]


def program(machine: str) -> bytes | None:
    """Return the filter for a machine as named by the kernel, or None for an unsupported one."""
    architecture = _ARCHITECTURES.get(machine)
    if architecture is None:
        return None
    allow, deny = _step(_RETURN, _ALLOW), _fail(errno.EPERM)
    first, second, third = _ARGUMENTS
    namespaces = [_step(_LOAD, first), _step(_AND, _NAMESPACES), _step(_EQUAL, 0, 0, 1), allow, deny]
    families = [
        _step(_LOAD, first),
        *(step for family in _FAMILIES for step in (_step(_EQUAL, family, 0, 1), allow)),
        *(_step(_EQUAL, _AF_NETLINK, 1, 0), deny),
        *(_step(_LOAD, third), _step(_EQUAL, _NETLINK_ROUTE, 0, 1), allow),
        deny,
    ]
    terminal = [_step(_LOAD, second), *_refuse((_TIOCSTI, _TIOCLINUX), errno.EPERM), allow]
    foreign = [_step(_AT_LEAST, _X32, 0, 1), deny] if machine == "x86_64" else []
    unknown = [_step(_AT_LEAST, _UNKNOWN, 0, 1), _fail(errno.ENOSYS)]
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        *(_step(_EQUAL, architecture.audit, 1, 0), _step(_RETURN, _KILL)),
        _step(_LOAD, _CALL),
        *foreign,
        *unknown,
        # The flags of clone3 are in memory, which a filter can't read. Callers fall back to clone.
        *_refuse([_CLONE3], errno.ENOSYS),
        *_refuse((*architecture.denied, *_COMMON), errno.EPERM),
        *_inspect(architecture.clone, namespaces),
        *_inspect(architecture.socket, families),
        *_inspect(architecture.ioctl, terminal),
        allow,
    ]
    return b"".join(steps)


@functools.cache
def _descriptor() -> int | None:
    """Return the descriptor of a file in memory that holds this machine's filter."""
    content = program(platform.machine())
    if content is None:
        return None
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, content)
    return descriptor


def path() -> str | None:
    """Return a path under which this process's children can read the filter while it runs."""
    descriptor = _descriptor()
    return None if descriptor is None else f"/proc/{os.getpid()}/fd/{descriptor}"
