"""LOCAL_MODEL: whether this machine serves a model, and which. Standard library only, like `booleans`."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from . import booleans

BUILT_IN = "smollm2-135m"

# The GGUF format begins with this word and its version; two counts of 8 bytes each follow.
_MAGIC = b"GGUF"
_HEADER = struct.Struct("<4sIQQ")
_BASE_DIR = Path(__file__).resolve().parent.parent


class NoModel(ValueError):
    """LOCAL_MODEL names a file that can't be served; the message says why."""


@dataclass(frozen=True)
class LocalModel:
    """What LOCAL_MODEL says: `weights` is a file of the operator's own, None is the built-in model's."""

    is_served: bool = True
    weights: Path | None = None

    @property
    def name(self) -> str:
        """Return the name under which the server offers its model."""
        return self.weights.stem if self.weights else BUILT_IN


def parse(text: str) -> LocalModel:
    """Return what a value of LOCAL_MODEL says; relative paths begin at the project's directory.

    Raises booleans.NotBoolean for what is neither a boolean nor a path.
    """
    word = text.strip()
    if "/" in word or word.lower().endswith(".gguf"):
        return LocalModel(weights=_BASE_DIR / Path(word).expanduser())
    return LocalModel(is_served=booleans.parse("LOCAL_MODEL", word, default=True))


def verify(model: LocalModel) -> None:
    """Raise NoModel unless the operator's file, if there is one, begins as GGUF files do."""
    path = model.weights
    if path is None:
        return
    try:
        # Reading a named pipe would wait for its writer.
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise NoModel(f"LOCAL_MODEL names {path}, which {what}.")
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError as error:
        raise NoModel(f"LOCAL_MODEL names {path}, which can't be read: {error.strerror}.") from None
    if len(header) < _HEADER.size or _HEADER.unpack(header)[0] != _MAGIC:
        raise NoModel(f"LOCAL_MODEL names {path}, which is not a GGUF file.")
