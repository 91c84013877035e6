"""Names of files, as citations show them."""

from __future__ import annotations

import unicodedata
from pathlib import PurePath

LONGEST_NAME = 100
# Of an agent.
MOST_FILES = 200
# What delimits a citation, [file, place; file, place], or begins a folder.
_REPLACED = str.maketrans({"[": "(", "]": ")", ";": "_", "/": "_", "\\": "_", "|": "_"})


def clean_name(name: str) -> str:
    """Return a name without folders, invisible characters and what delimits a citation."""
    last = name.replace("\\", "/").rpartition("/")[2].translate(_REPLACED)
    visible = "".join(each for each in unicodedata.normalize("NFC", last) if each.isprintable())
    visible = " ".join(visible.split())
    ending = PurePath(visible).suffix[:12]
    return visible[: LONGEST_NAME - len(ending)].removesuffix(ending).strip() + ending
