"""Templates for new agents: documents in examples/."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from django.conf import settings

from .documents.document import Document, validate
from .documents.source import load
from .models import AgentConfig

# In the order in which the page shows them.
_NAMES = ("support-desk", "researcher", "sql-explainer", "release-notes", "tutor", "on-call-helper")


@dataclass(frozen=True)
class AgentTemplate:
    """A document that new agents start from; `slug` names its file and stands in URLs."""

    slug: str
    document: Document

    @property
    def name(self) -> str:
        return str(self.document.values["name"])

    @property
    def description(self) -> str:
        return str(self.document.values["description"])

    def fill(self, draft: AgentConfig) -> None:
        """Set the values of a new draft."""
        for name, value in self.document.values.items():
            # It is made from the new agent's name.
            if name != "handle":
                setattr(draft, name, value)


@cache
def agent_templates() -> dict[str, AgentTemplate]:
    """Return the templates by slug."""
    return {slug: AgentTemplate(slug, _document(slug)) for slug in _NAMES}


def _document(slug: str) -> Document:
    source = load((settings.BASE_DIR / "examples" / f"{slug}.yaml").read_text(encoding="utf-8"))
    # A new agent has the provider that this forge offers first, not the one in the file.
    entries = {path: value for path, value in source.entries.items() if not path.startswith("provider.")}
    return validate(replace(source, entries=entries), unfinished=True)
