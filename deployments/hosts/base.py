"""Say what a host of sites must be able to do; each host is one package that does it.

A host's ids are text. Every method has a time limit and its own retries; what is left is a `HostError` with a
reason, in words for the person whose site it is.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol


class Reason(enum.StrEnum):
    """Name why a host did not do what was asked."""

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
class Kind:
    """Say what a kind of host needs and can do, before anybody's site there is used."""

    code: str
    label: str
    # A site needs one of these targets in its build.
    targets: tuple[str, ...]
    # Larger programs are refused, in bytes; 0: none are.
    largest_program: int = 0
    # Somebody's account there is used, with a token of the vault.
    needs_account: bool = True
    # It is given the agent's keys; otherwise whoever runs the agent sets them.
    sets_variables: bool = True


class HostError(Exception):
    """Say, in words for the site's owner, what the host did not do and what to do next."""

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
    """Tell who a token belongs to, and in which teams it may act."""

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
    """Tell how far a host is with a deploy."""

    UPLOADING = "uploading"
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class RemoteDeploy:
    """Hold a deploy as the host sees it; `required` are digests of contents that it lacks."""

    id: str
    state: State
    word: str
    url: str
    title: str = ""
    error: str = ""
    required: frozenset[str] = field(default=frozenset())
    # False while the host still compares the list of files with what it has.
    listed: bool = True
    locked: bool = False


class Content(Protocol):
    """Give the bytes of a file, piece by piece, as often as asked."""

    @property
    def size(self) -> int: ...

    def pieces(self) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class Entry:
    """Name one file or function of a site with its digest in the host's way of counting."""

    path: str
    digest: str
    content: Content
    is_function: bool = False
    is_executable: bool = False


@dataclass(frozen=True)
class Variable:
    name: str
    value: str


Sent = Callable[[int], None]


class Host(Protocol):
    """Do with one account at a host of sites what a deployment needs."""

    kind: ClassVar[Kind]

    def whoami(self) -> Person: ...

    def sites(self) -> list[RemoteSite]: ...

    def site(self, site_id: str) -> RemoteSite: ...

    def create_site(self, name: str, team_slug: str) -> RemoteSite: ...

    def delete_site(self, site_id: str) -> None: ...

    def digest(self, content: Content, *, is_function: bool) -> str:
        """Return the digest under which the host knows a content."""
        ...

    def set_variables(
        self, site: RemoteSite, variables: Mapping[str, str], obsolete: frozenset[str]
    ) -> None: ...

    def find_deploy(self, site_id: str, title: str) -> RemoteDeploy | None:
        """Return the deploy that was created under a title, if one was."""
        ...

    def create_deploy(self, site_id: str, title: str, entries: list[Entry], *, draft: bool) -> RemoteDeploy:
        """Create a deploy exactly once: a title that is there already is returned."""
        ...

    def deploy(self, site_id: str, deploy_id: str) -> RemoteDeploy: ...

    def shown(self, site_id: str, deploy: RemoteDeploy, address: str, *, draft: bool) -> str:
        """Return which content is shown to visitors; empty when that can't be told.

        `address` is the site's, or the draft's own.
        """
        ...

    def upload(self, deploy_id: str, entry: Entry, sent: Sent) -> None:
        """Upload one content; `sent` is told of bytes on their way, of minus as many when they are void."""
        ...

    def cancel(self, deploy_id: str) -> None:
        """Give up a deploy that is not over; one that is gone or over is left as it is."""
        ...

    def publish(self, site_id: str, deploy_id: str) -> RemoteDeploy: ...

    def lock(self, deploy_id: str, *, locked: bool) -> None: ...

    def delete_deploy(self, deploy_id: str) -> None: ...
