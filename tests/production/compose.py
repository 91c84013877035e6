"""Start the services of deploy/docker/compose.yml as compose does, without an engine.

Each runs in the files of the image, with the settings and the rights that the file gives it, after what it
depends on. The machine stands for the host and for the container of the database: Debian's PostgreSQL.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from . import containers
from .containers import DOCKER, Image
from .installation import Installation

PASSWORD = "choose-one"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yml").read_text())["services"]
DATABASE = "database"
GRACE = 30.0


@dataclass
class Composed:
    """Containers of one image, with one volume and one network, and the host."""

    image: Image
    volume: Path
    namespace: str
    host: Installation
    stack: ExitStack
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def up(self) -> None:
        """Start all services, each after those it depends on, and wait as long as their conditions say."""
        self._start_database()
        waiting = [name for name in SERVICES if name != DATABASE]
        while waiting:
            name = next(name for name in waiting if not set(waiting) & set(SERVICES[name]["depends_on"]))
            waiting.remove(name)
            for needed, how in SERVICES[name]["depends_on"].items():
                self._wait_for(needed, how["condition"])
            self.running[name] = self.start(name)

    def _start_database(self) -> None:
        """Do as the image of PostgreSQL: make the roles in a server without a network, then start it."""
        box = self.host.box
        box.run("pg_createcluster $(ls /usr/lib/postgresql | sort -n | tail -1) main")
        box.run("echo \"listen_addresses = ''\" > $(echo /etc/postgresql/*/main)/conf.d/alone.conf")
        box.run("systemctl start postgresql")
        assert not self.is_healthy(DATABASE), "its roles are still to be made"
        script = f"runuser -u postgres -- sh <<'SCRIPT'\n{(DOCKER / 'database.sh').read_text()}\nSCRIPT"
        given = {"POSTGRES_USER": "postgres", "FORGE_PASSWORD": PASSWORD}
        box.run(script, directory="/", variables=given)
        box.run("rm /etc/postgresql/*/main/conf.d/alone.conf")
        # What makes it listen, and restarts it, follows the roles on the page.
        self.host.page("database").left.pop(0)
        self.host.page("database").run(box, NETWORK="10.83.0.0/24")

    def _wait_for(self, name: str, condition: str) -> None:
        if condition == "service_completed_successfully":
            output, _ = self.running[name].communicate(timeout=900)
            assert self.running[name].returncode == 0, output[-4000:]
        else:
            assert condition == "service_healthy"
            self.wait_until_healthy(name)

    def wait_until_healthy(self, name: str) -> None:
        """Ask a service's health check until it succeeds."""
        deadline = time.monotonic() + 180
        while not self.is_healthy(name):
            assert name == DATABASE or self.running[name].poll() is None, f"{name} ended"
            assert time.monotonic() < deadline, f"{name} is not healthy"

    def is_healthy(self, name: str) -> bool:
        kind, *check = SERVICES[name]["healthcheck"]["test"]
        assert kind == "CMD"
        if name == DATABASE:
            return "healthy" in self.host.box.run(f"{' '.join(check)} && echo healthy || true")
        return self.start(name, *check).wait(timeout=30) == 0

    def start(self, service: str, *words: str) -> subprocess.Popen[str]:
        """Start a service with its settings, or another program in its place."""
        written = SERVICES[service]
        assert written["read_only"] and written["cap_drop"] == ["ALL"]
        command = list(words) or [*self.image.entry, *written["command"]]
        process = self.stack.enter_context(
            subprocess.Popen(
                self.image.command(
                    command, rights=self.image.user, volume=self.volume, within=self.namespace
                ),
                env=containers.clean_environment(self.image, **self._settings(written)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if words or service == "migrate" else self._log(service),
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        # The first process of its namespace takes the others with it.
        self.stack.callback(process.kill)
        return process

    def _log(self, service: str) -> int:
        return self.stack.enter_context((self.volume.parent / f"{service}.log").open("w")).fileno()

    def log(self, service: str) -> str:
        return (self.volume.parent / f"{service}.log").read_text()

    def run(self, service: str, *words: str, seconds: float = 900) -> str:
        """Run another program in a service's place, to its end."""
        process = self.start(service, *words)
        output, _ = process.communicate(timeout=seconds)
        assert process.returncode == 0, output[-4000:]
        return output

    def first_process(self, service: str) -> psutil.Process:
        """Return the process that an engine sends its signals to."""
        (first,) = psutil.Process(self.running[service].pid).children()
        return first

    def stop(self, service: str) -> int:
        """Ask a service to end, as an engine does, and return its exit code."""
        self.first_process(service).terminate()
        return self.running[service].wait(timeout=GRACE)

    def _settings(self, service: dict[str, Any]) -> dict[str, str]:
        """Return the example's settings, filled in, and the service's own."""
        example = dict(
            re.findall(r"^([A-Z_]+)=(.*)$", (DOCKER.parent / "agentforge.env.example").read_text(), re.M)
        )
        own = {name: str(value) for name, value in service["environment"].items()}
        own["DATABASE_URL"] = own["DATABASE_URL"].replace("${FORGE_PASSWORD:?}", PASSWORD)
        address = self.host.box.address
        filled = {
            "ALLOWED_HOSTS": address,
            "CSRF_TRUSTED_ORIGINS": self.host.url,
            "SECRET_KEY": self.secret,
            "FORGE_PASSWORD": PASSWORD,
            "POSTGRES_PASSWORD": "choose-another",
            "LOCAL_MODEL": "1",
            "LOCAL_MODEL_URL": self.host.local.url,
            "EXAMPLE_AGENT": "0",
        }
        return {**example, **filled, **own}


def made(image: Image, host: Installation, namespace: str, stack: ExitStack) -> Composed:
    """Return the services, not started yet, with an empty volume."""
    (image.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{host.box.address} {DATABASE}\n")
    volume = image.root.parent / "volume"
    volume.mkdir(mode=0o700)
    os.chown(volume, *containers.owner_of(image))
    return Composed(image, volume, namespace, host, stack)
