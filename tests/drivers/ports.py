"""Choose ports for servers that can't say which one they took, and that listen only some seconds later."""

from __future__ import annotations

import itertools
import os
import zlib

from agentforge.launch.ports import is_free

# Below those that a system gives to whoever asks for any port, as the other tests do meanwhile.
_FIRST, _MANY = 12_000, 20_000
# The workers of a run start as far apart.
_APART = 4_000


def _start() -> int:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return zlib.crc32(run.encode()) + worker * _APART


_numbers = itertools.count(_start())


def free_port() -> int:
    """Return a free port of the loopback interface that nothing else in this test run is given."""
    candidates = (_FIRST + number % _MANY for number in itertools.islice(_numbers, _MANY))
    return next(port for port in candidates if is_free("127.0.0.1", port))
