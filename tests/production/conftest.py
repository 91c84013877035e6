from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .box import Box
from .installation import GO, Installation, Model
from .network import Network, missing
from .person import KEY

# Debian's packages: iproute2, util-linux, systemd, openssl, git, curl, nginx, haproxy, postgresql.
PROGRAMS = (
    *("ip", "unshare", "nsenter", "systemctl", "openssl", "git", "curl", "nginx", "haproxy"),
    *("pg_createcluster", "bwrap", "promtool"),
)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    if os.geteuid() != 0:
        pytest.skip("only root can make machines with network namespaces and systemd")
    if absent := [*missing(*PROGRAMS), *([] if Path("/lib/systemd/systemd").exists() else ["systemd"])]:
        pytest.skip(f"not installed here: {', '.join(absent)}")
    with Network() as made:
        yield made


@pytest.fixture(scope="module")
def boot(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Installation]]:
    """Return a function that boots a machine with shared directories, on which nothing is installed yet."""
    GO.mkdir(exist_ok=True)
    with ExitStack() as stack:
        local, provider = (stack.enter_context(Model(KEY, needs_key=need)) for need in (False, True))
        local.models = ["smollm2-135m"]

        def make(name: str, **shared: Path) -> Installation:
            return Installation(stack.enter_context(Box(network, name, mnt_go=GO, **shared)), local, provider)

        yield make


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return where to put a certificate that this process's connections trust."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield path
