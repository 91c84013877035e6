"""The export of an account as a real web process sends it."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import httpx
import pytest

from agentforge.accounts import belongings
from agentforge.accounts.models import User
from builds.models import ChatMessage
from configs.models import AgentConfig
from tests.drivers.absence import absent
from tests.drivers.people import bearer_of
from tests.drivers.web_process import WebProcess

pytestmark = pytest.mark.django_db(transaction=True)


def _unnamed_files(pid: int) -> list[str]:
    """Return the open files of a process that have no name any more."""
    if not Path("/proc/self/fd").is_dir():
        absent("needs /proc, where Linux lists open files")
    links = [path.readlink() for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    return sorted(str(link) for link in links if "(deleted)" in link.name)


def test_an_archive_is_sent_whole_and_kept_nowhere(alice: User) -> None:
    agent = AgentConfig.objects.create(owner=alice, name="Ada", handle="ada")
    long = "".join(f"{number:x} " for number in range(200_000))
    ChatMessage.objects.create(owner=alice, agent=agent, role="user", content=long)
    with WebProcess() as web, httpx.Client(base_url=web.url, timeout=60) as script:
        script.headers["Authorization"] = bearer_of(alice)
        assert script.get("/livez").text == "ok\n"
        before = _unnamed_files(web.process.pid)
        whole = script.get("/accounts/export/")
        assert int(whole.headers["Content-Length"]) == len(whole.content) > 300_000
        with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
            assert archive.testzip() is None and f"chats/{agent.pk}-ada.json" in archive.namelist()
        with script.stream("GET", "/accounts/export/") as cut_off:
            next(cut_off.iter_raw(100))
        head = script.head("/accounts/export/")
        assert int(head.headers["Content-Length"]) > 300_000
        # On the same connection, whose next answer is its own.
        assert script.get("/livez").text == "ok\n"
        assert _unnamed_files(web.process.pid) == before


def test_an_archive_that_fails_leaves_no_file_open(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(user: User) -> belongings.Files:
        yield "first.txt", "first"
        raise OSError("The disk is full.")

    monkeypatch.setattr(belongings, "_exporters", [fail])
    before = _unnamed_files(os.getpid())
    with pytest.raises(OSError, match="disk is full") as failure:
        belongings.archive(alice)
    # While the failure is at hand, so is all that its frames refer to.
    assert failure.traceback
    assert _unnamed_files(os.getpid()) == before
