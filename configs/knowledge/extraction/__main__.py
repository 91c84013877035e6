"""Read a file of a kind from the standard input and print what is extracted of it, or why nothing can be.

The file is a stranger's: this process has little memory, little time, and no file to write.
"""

from __future__ import annotations

import json
import resource
import sys

from .kinds import extract
from .text import Unreadable

MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 600


def main() -> int:
    kind = sys.argv[1]
    data = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    try:
        extracted = extract(kind, data)
        result: dict[str, object] = {
            "title": extracted.title,
            "chunks": extracted.chunks(),
            "table": extracted.table,
            "notes": list(extracted.notes),
        }
    except Unreadable as reason:
        result = {"error": str(reason)}
    except (MemoryError, RecursionError):
        result = {"error": "It needs more memory than one file may use. Divide it into smaller ones."}
    # A lone surrogate, as of a damaged PDF document, is no text.
    sys.stdout.buffer.write(json.dumps(result, ensure_ascii=False).encode(errors="replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
