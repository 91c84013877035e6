"""Write the log of a build as the commands on standard input say: `python -m tests.browser.long_log EMAIL`.

It prints the build's number, and a line after each command: `lines COUNT [SECTION]`, `text STREAM TEXT`,
`section NAME STATE`, `end STATUS`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import django
from django.utils import timezone

if TYPE_CHECKING:
    from builds.models import Build


def main(email: str) -> None:
    from agentforge.live import streams
    from agentforge.live.writer import StreamWriter
    from builds.models import Build, BuildStatus

    build = _build(email)
    print(build.pk, flush=True)
    number = 0
    with StreamWriter(build.stream_name) as writer:
        for command in _commands():
            match command:
                case ["lines", count, *section]:
                    named = {"section": section[0]} if section else {}
                    texts = [f"line {number + step + 1} of the log" for step in range(int(count))]
                    number += len(texts)
                    writer.write_many(
                        [{"kind": "line", "stream": "out", "text": text, **named} for text in texts]
                    )
                case ["text", stream, *words]:
                    number += 1
                    writer.write({"kind": "line", "stream": stream, "text": " ".join(words)})
                case ["section", name, state]:
                    writer.write({"kind": "section", "name": name, "state": state})
                case ["end", status]:
                    writer.flush()
                    states = {"status": BuildStatus(status), "finished_at": timezone.now()}
                    Build.objects.filter(pk=build.pk).update(**states)
                    streams.close_stream(build.stream_name)
            writer.flush()
            print("done", flush=True)


def _commands() -> Iterator[list[str]]:
    for line in sys.stdin:
        yield line.encode().decode("unicode_escape").split()


def _build(email: str) -> Build:
    from agentforge.accounts.models import User
    from agentforge.live import streams
    from builds.models import Build, BuildStatus
    from configs.models import AgentConfig
    from configs.revisions import create_revision

    owner = User.objects.get(email=email)
    agent = AgentConfig.objects.create(owner=owner, name="Ada", handle="ada", provider="local", model="m")
    revision = create_revision(agent)
    running = {"status": BuildStatus.RUNNING, "started_at": timezone.now()}
    build: Build = Build.objects.create(owner=owner, revision=revision, **running)
    streams.create_stream(build.stream_name, owner.pk)
    return build


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentforge.settings")
    django.setup()
    main(sys.argv[1])
