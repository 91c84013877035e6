"""Write numbered lines to a stream from a process of its own: NAME FIRST LAST WAY.

WAY is "writer" for a StreamWriter, "publish" for transactions that each add some lines.
"""

from __future__ import annotations

import sys

import django


def main(name: str, first: int, last: int, way: str) -> None:
    django.setup()
    from django.db import transaction

    from agentforge.live.streams import publish
    from agentforge.live.writer import StreamWriter

    lines = [{"kind": "line", "stream": "out", "text": str(number)} for number in range(first, last + 1)]
    print("ready", flush=True)
    sys.stdin.readline()
    if way == "writer":
        with StreamWriter(name) as writer:
            for line in lines:
                writer.write(line)
    else:
        for start in range(0, len(lines), 7):
            with transaction.atomic():
                publish(name, *lines[start : start + 7])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
