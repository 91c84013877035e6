"""Somebody who uses a forge as a script does: an agent, builds, questions, deployments."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from tests.browser.journey import PASSWORD
from tests.chaos.client import Script

KEY = "sk-test-0123456789abcdef"
UNFINISHED = ("queued", "running", "streaming")


class Person(Script):
    """A script with the errands of a person."""

    def sign_in(self, name: str) -> None:
        told = self.ask("POST", "/sign-in/", {"email": f"{name}@example.com", "password": PASSWORD})
        self.headers = {"Authorization": f"Bearer {told['tokens']['access_token']}"}

    def until(self, path: str, name: str, seconds: float = 900) -> dict[str, Any]:
        """Return a row once it is finished."""
        started = time.monotonic()
        while (row := self.ask("GET", path)[name])["status"] in UNFINISHED:
            assert time.monotonic() - started < seconds, row
            time.sleep(0.2)
        assert isinstance(row, dict)
        return row

    def built(self, agent: int, *targets: str) -> dict[str, Any]:
        body = {"targets": list(targets)} if targets else {}
        build = self.ask("POST", f"/agents/{agent}/compile/", body)["build"]
        done = self.until(f"/builds/{build['id']}/", "build")
        assert done["status"] == "succeeded", done
        return done

    def answer(self, agent: int, question: str) -> str:
        self.ask("POST", f"/agents/{agent}/try/messages/", {"content": question})
        started = time.monotonic()
        while (last := self.ask("GET", f"/agents/{agent}/try/")["messages"][-1])["status"] in UNFINISHED:
            assert time.monotonic() - started < 300, last
            time.sleep(0.2)
        assert last["status"] == "done", last
        return str(last["content"])

    def hashes(self, build: int) -> dict[str, str]:
        """Return the hashes of a build's files as they are downloaded; they are those that it states."""
        stated = self.ask("GET", f"/builds/{build}/")["build"]["files"]
        found = {path: hashlib.sha256(self.download(build, path)).hexdigest() for path in stated}
        assert found == {path: file["sha256"] for path, file in stated.items()}
        return found

    def text(self, path: str) -> str:
        return self._ask("GET", path, None).text

    def deployed(self, agent: int, build: int) -> int:
        begun = self.ask("POST", f"/agents/{agent}/deploy/start/", {"build": build})["deployment"]
        done = self.until(f"/deployments/{begun['id']}/", "deployment")
        assert done["status"] == "succeeded", done
        return int(done["id"])

    def download_site(self, deployment: int) -> bytes:
        return self._ask("GET", f"/deployments/{deployment}/site.tar.gz", None).content

    def request_id(self, path: str) -> str:
        """Return the id by which a request stands in the log."""
        return str(self._ask("GET", path, None).headers["X-Request-ID"])
