"""Run the stand-in in a separate process.

Its address is printed as one line of JSON. For each line on its input, it prints the number of bytes uploaded
since the last one; the line "forget" first deletes every deploy.
"""

from __future__ import annotations

import json
import re
import sys

from tests.standins.server import Asked

from .server import PREFIX, NetlifyStandIn

_UPLOAD = re.compile(rf"{PREFIX}/deploys/[^/]+/(files|functions)/")
_HOSTS = 240


def main() -> None:
    with NetlifyStandIn() as netlify:
        _say(url=netlify.url, token=netlify.token, hosts=netlify.edge.hosts(_HOSTS))
        for line in sys.stdin:
            sent = sum(len(asked.body) for asked in netlify.asked if _is_upload(asked))
            netlify.asked.clear()
            if line.strip() == "forget":
                netlify.state.forget_deploys()
            _say(uploaded=sent)


def _is_upload(asked: Asked) -> bool:
    return asked.method == "PUT" and _UPLOAD.match(asked.path) is not None


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
