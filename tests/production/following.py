"""Follow a build through outages, and hold its log to what is kept of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.live.followers import Follower

from .person import Person

TARGET = "linux-amd64"
T = TypeVar("T")


@dataclass
class Following:
    """A build, and a viewer who connects again whenever the stream breaks."""

    person: Person
    build: int
    channel: str
    viewer: Follower

    @classmethod
    def begin(cls, person: Person, agent: int) -> Following:
        """Change the agent, so that it is compiled anew, and follow the log of its build."""
        person.ask("POST", f"/agents/{agent}/identity/", {"description": f"Since {time.time()}"})
        build = person.ask("POST", f"/agents/{agent}/compile/", {"targets": ["plugin", TARGET]})["build"]
        viewer = Follower(
            person,  # type: ignore[arg-type]
            person.headers,
            build["channel"],
            patience=None,
            is_up=person.wait_until_up,
        )
        viewer.start()
        return cls(person, build["id"], build["channel"], viewer)

    def wait_until_running(self) -> None:
        wait_until(lambda: self.person.build(self.build)["status"] == "running")

    def end(self) -> dict[str, Any]:
        """Return the build; it succeeded, and its viewer saw each line once, in order."""
        lines = self.viewer.texts(self.channel)
        build = self.person.build(self.build)
        assert build["status"] == "succeeded", (build["error"], lines)
        stored = self.person.text(f"/builds/{self.build}/log.txt").splitlines()
        # Each line of the file begins with a time and a source.
        assert [line.split(" ", 2)[2:] for line in stored] == [[line] if line else [] for line in lines]
        assert any("go build" in line for line in lines)
        return build


def wait_until(holds: Callable[[], T], seconds: float = 300) -> T:
    """Return what is true in the end; nothing tells a client of another machine that it has become so.

    The limit only ends what is stuck: other work may share the processors.
    """
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
