"""A forge that is installed on a machine by the pages of docs/operations."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.drivers.forge import ROOT
from tests.standins.openai import OpenAIStandIn

from .box import Box
from .guide import Page
from .network import Network

ENVIRONMENT = "/etc/agentforge/agentforge.env"
# Compiling Go's packages takes minutes: one cache for all machines of all runs.
GO = Path(tempfile.gettempdir()) / "agentforge-trial-go"
_HOOK = "/usr/share/git-core/templates/hooks/post-checkout"


class Model(OpenAIStandIn):
    """A server of models that machines of the network reach: the local one, or OpenAI."""

    listens_on = Network.address


@dataclass
class Installation:
    """A machine, and the pages that are followed on it."""

    box: Box
    local: Model
    provider: Model
    pages: dict[str, Page] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    def page(self, name: str) -> Page:
        return self.pages.setdefault(name, Page(name))

    @property
    def url(self) -> str:
        return f"https://{self.box.address}"

    def make_server(self) -> None:
        """Have Debian's package make its server of PostgreSQL, as its installation does."""
        version = "$(ls /usr/lib/postgresql | sort -n | tail -1)"
        self.box.run(f"pg_createcluster {version} main && systemctl start postgresql")

    def make_database(self) -> None:
        """Make a server, and follow the page."""
        self.make_server()
        self.page("database").run(self.box)

    def install(self) -> None:
        """Follow the page up to the start; packages of Python are those of the checkout under test."""
        self.box.run(f"printf '#!/bin/sh\\nln -sfn {ROOT}/.venv .venv\\n' > {_HOOK} && chmod +x {_HOOK}")
        self.page("install").run(self.box, REPOSITORY=f"file://{ROOT}")
        self.box.run(
            "install -d -o forge -g forge /var/lib/agentforge/go && chown forge:forge /mnt/go"
            " && mount --bind /mnt/go /var/lib/agentforge/go"
        )

    def fill_in(self, **settings: str) -> None:
        """Edit the file of settings."""
        self.settings |= settings
        for name, value in settings.items():
            assert "'" not in value
            self.box.run(f"sed -i '/^#*{name}=/d' {ENVIRONMENT} && echo '{name}={value}' >> {ENVIRONMENT}")

    def fill_in_all(self, database: str = "127.0.0.1") -> None:
        """Set what a page asks to fill in, and where the stand-ins are."""
        self.fill_in(
            ALLOWED_HOSTS=self.box.address,
            CSRF_TRUSTED_ORIGINS=self.url,
            DATABASE_URL=f"postgresql://forge:choose-one@{database}:5432/forge",
            SECRET_KEY=secrets.token_urlsafe(48),
            METRICS_TOKEN=secrets.token_urlsafe(16),
            LOCAL_MODEL="1",
            LOCAL_MODEL_URL=self.local.url,
            AGENTFORGE_OPENAI_URL=self.provider.url,
            EXAMPLE_AGENT="0",
        )

    def start(self) -> str:
        """Start it as the page says, and return what doctor says."""
        return self.page("install").run(self.box, 2)

    def put_behind_nginx(self, certificate: Path) -> None:
        """Follow the page of the proxy, with a certificate of its own, which the test trusts then."""
        page, address = self.page("proxy"), self.box.address
        page.run(self.box)
        directory = f"/etc/letsencrypt/live/{address}"
        self.box.run(
            f"sed -i s/forge.example.com/{address}/ /etc/nginx/conf.d/agentforge.conf\nmkdir -p {directory}\n"
            + self_signed(address, f"{directory}/privkey.pem", f"{directory}/fullchain.pem")
        )
        with certificate.open("a") as trusted:
            trusted.write(self.box.run(f"cat {directory}/fullchain.pem"))
        page.run(self.box)


def self_signed(address: str, key: str, certificate: str) -> str:
    """Return the command that makes a key and a certificate for an address."""
    return (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={address}"
        f" -addext subjectAltName=IP:{address} -keyout {key} -out {certificate} 2>/dev/null"
    )
