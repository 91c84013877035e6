"""The kinds of hosts that sites can be deployed to."""

from __future__ import annotations

from .base import HostKind
from .netlify import Netlify
from .selfhost import SelfHost

NETLIFY = Netlify.kind.code
SELF_HOST = SelfHost.kind.code
KINDS: dict[str, HostKind] = {host.kind.code: host.kind for host in (Netlify, SelfHost)}
# Hosts that are used with a token of the owner.
TOKEN_HOSTS: dict[str, type[Netlify]] = {NETLIFY: Netlify}
