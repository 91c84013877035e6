"""Keep what a C compiler answered when Go's linker asked which flags it knows.

The linker asks at each link, by compiling and linking a small file: two to three times, 25 ms each.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_COMPILER = re.compile(r"(?<= )-extld=(\S+)")
# The last argument names the file that the linker has compiled, the one before it the flag in question
# (cmd/link/internal/ld, linkerFlagSupported).
_ARGUMENTS = """\
#!/bin/sh
for last; do flag=$previous previous=$last; done
case $last in */trivial.c) ;; *) exec {compiler} "$@" ;; esac
"""
# A compiler that only warns of a flag does not know it either.
_LISTEN = """\
said=$({compiler} "$@" 2>&1) && case $said in *unrecognized*|*unknown*) false ;; esac
code=$?
echo "$code $flag" >> {place}/answers
exit "$code"
"""
_REPEAT = """\
case $flag in
{answers}
esac
exec {compiler} "$@"
"""


def listening(script: str, place: str) -> str:
    """Return a script of steps whose linker has its questions and answers printed; `place` is for a file."""
    return _through(script, place, _LISTEN.replace("{place}", place)) + f"cat {place}/answers\n"


def heard(printed: Sequence[str]) -> dict[str, bool]:
    """Return the flags that were asked for in what a listening script printed, and whether they are known."""
    matches = (re.fullmatch(r"(\d+) (-\S+)", line) for line in printed)
    return {match[2]: match[1] == "0" for match in matches if match}


def answered(script: str, place: str, answers: dict[str, bool]) -> str:
    """Return a script of steps whose linker gets these answers at once; `place` is for a file."""
    cases = (f"{shlex.quote(flag)}) exit {0 if known else 1} ;;" for flag, known in answers.items())
    return _through(script, place, _REPEAT.replace("{answers}", "\n".join(cases)))


def _through(script: str, place: str, rest: str) -> str:
    """Let the linker call a script of this beginning and rest instead of its C compiler."""
    if not (compiler := _COMPILER.search(script)):
        return script
    content = (_ARGUMENTS + rest).replace("{compiler}", compiler[1])
    head = f"mkdir -p {place}\ncat >{place}/cc << 'EOC'\n{content}EOC\nchmod +x {place}/cc\n"
    return head + _COMPILER.sub(f"-extld={place}/cc", script)
