"""Promptfoo's configuration, as far as its cases are ours too.

https://www.promptfoo.dev/docs/configuration/reference/
"""

from .exporter import export
from .importer import translate

__all__ = ["export", "translate"]
