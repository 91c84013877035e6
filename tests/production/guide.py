"""The pages of docs/operations: their commands, executed as they stand."""

from __future__ import annotations

import re

from tests.drivers.forge import ROOT

from .box import Box

PAGES = ROOT / "docs" / "operations"
_BLOCK = re.compile(r"^```(sh|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"^    ([A-Z_]+)=(\S+)$", re.MULTILINE)


class Page:
    """One page, whose blocks a machine executes in their order: `sh` as root, `sql` as administrator."""

    def __init__(self, name: str) -> None:
        self.name = name
        text = (PAGES / f"{name}.md").read_text()
        self.left: list[tuple[str, str]] = _BLOCK.findall(text)
        # What it says to write into the file of settings.
        self.settings: dict[str, str] = dict(_SETTING.findall(text))

    def run(self, box: Box, blocks: int = 1, **variables: str) -> str:
        """Execute the next blocks; return what the last one printed."""
        output = ""
        for _ in range(blocks):
            language, text = self.left.pop(0)
            if language == "sql":
                psql = "runuser -u postgres -- psql --no-psqlrc --set ON_ERROR_STOP=1"
                text = f"{psql} <<'SQL'\n{text}SQL"
            output = box.run(text, directory="/" if language == "sql" else "/root", variables=variables)
        return output
