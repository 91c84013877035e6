"""The interface of a host of sites; each host is one package that implements it.

A host's ids are text. Every method has a time limit and its own retries; what remains is a `HostError` with a
reason and a message for the owner of the site.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol


class Reason(enum.StrEnum):
    """Why a host refused or failed a request."""

    TOKEN_REFUSED = "token-refused"  # noqa: S105 - no password
    FORBIDDEN = "forbidden"
    GONE = "gone"
    NAME_TAKEN = "name-taken"
    QUOTA = "quota"
    RATE_LIMITED = "rate-limited"
    MISMATCH = "mismatch"
    TOO_LARGE = "too-large"
    FUNCTION_REFUSED = "function-refused"
    REFUSED = "refused"
    LOCKED = "locked"
    NOT_READY = "not-ready"
    UNREACHABLE = "unreachable"
    STUCK = "stuck"


@dataclass(frozen=True)
class HostKind:
    """What a kind of host needs and can do, whatever the account and site."""

    code: str
    label: str
    # A site needs one of these targets in its build.
    targets: tuple[str, ...]
    # The largest program accepted, in bytes; 0: no limit.
    largest_program: int = 0
    # It is used through an account, with a token from the vault.
    needs_account: bool = True
    # It receives the agent's keys; otherwise they are set on the server that runs the agent.
    sets_variables: bool = True
    # It serves what is deployed; otherwise that runs on a server of the owner.
    serves: bool = True


class HostError(Exception):
    """A request that a host refused or failed; the message tells the site's owner what to do next."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Stopped(Exception):
    """The work was cancelled, or its worker is stopping."""


@dataclass(frozen=True)
class Team:
    id: str
    slug: str
    name: str


@dataclass(frozen=True)
class Person:
    """The owner of a token, and the teams it may act in."""

    name: str
    email: str
    teams: tuple[Team, ...]


@dataclass(frozen=True)
class RemoteSite:
    id: str
    name: str
    url: str
    admin_url: str
    team_id: str
    team_slug: str
    live_deploy: str = ""
    locked: bool = False


class State(enum.StrEnum):
    """The state of a deploy at its host."""

    UPLOADING = "uploading"
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class RemoteDeploy:
    """A deploy as its host reports it; `required` are the digests of contents still to upload."""

    id: str
    state: State
    # The host's own word for the state.
    word: str
    url: str
    title: str = ""
    error: str = ""
    required: frozenset[str] = field(default=frozenset())
    # False while the host still compares the list of files with what it has.
    listed: bool = True
    locked: bool = False


class Content(Protocol):
    """The bytes of a file, in pieces; can be read more than once."""

    @property
    def size(self) -> int: ...

    def pieces(self) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class Entry:
    """A file or function of a site; the digest is in the host's own scheme."""

    path: str
    digest: str
    content: Content
    is_function: bool = False
    is_executable: bool = False


OnSent = Callable[[int], None]


class Host(Protocol):
    """One account at a host of sites."""

    kind: ClassVar[HostKind]

    def whoami(self) -> Person: ...

    def sites(self) -> list[RemoteSite]: ...

    def site(self, site_id: str) -> RemoteSite: ...

    def create_site(self, name: str, team_slug: str) -> RemoteSite: ...

    def delete_site(self, site_id: str) -> None: ...

    def digest(self, content: Content, *, is_function: bool) -> str:
        """Return the digest by which the host identifies a content."""
        ...

    def set_variables(
        self, site: RemoteSite, variables: Mapping[str, str], obsolete: frozenset[str]
    ) -> None: ...

    def find_deploy(self, site_id: str, title: str) -> RemoteDeploy | None:
        """Return the deploy with this title, None if there is none."""
        ...

    def create_deploy(self, site_id: str, title: str, entries: list[Entry], *, draft: bool) -> RemoteDeploy:
        """Create a deploy exactly once: an existing one with this title is returned."""
        ...

    def deploy(self, site_id: str, deploy_id: str) -> RemoteDeploy: ...

    def visible_content(self, site_id: str, deploy: RemoteDeploy, address: str, *, draft: bool) -> str:
        """Return the hash of the content that visitors see, empty if it can't be determined.

        `address` is the site's, or the draft's own.
        """
        ...

    def upload(self, deploy_id: str, entry: Entry, on_sent: OnSent) -> None:
        """Upload one content; `on_sent` gets the bytes sent, and as many negative ones after a failure."""
        ...

    def cancel(self, deploy_id: str) -> None:
        """Cancel a deploy; one that is gone or over is left unchanged."""
        ...

    def publish(self, site_id: str, deploy_id: str) -> RemoteDeploy: ...

    def lock(self, deploy_id: str, *, locked: bool) -> None: ...

    def delete_deploy(self, deploy_id: str) -> None: ...
