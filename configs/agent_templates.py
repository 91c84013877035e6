"""Templates for new agents: documents in examples/."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.conf import settings

from .documents.document import Document, parse
from .models import AgentConfig

# In the order in which the page shows them.
_NAMES = ("support-desk", "researcher", "sql-explainer", "release-notes", "tutor", "on-call-helper")
# A new agent has the provider that this forge offers first; its handle is made from its name.
_NOT_COPIED = ("provider", "model", "api_key", "handle")


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
            if name not in _NOT_COPIED:
                setattr(draft, name, value)


@cache
def agent_templates() -> dict[str, AgentTemplate]:
    """Return the templates by slug."""
    directory = settings.BASE_DIR / "examples"
    documents = {slug: parse((directory / f"{slug}.yaml").read_text(encoding="utf-8")) for slug in _NAMES}
    return {slug: AgentTemplate(slug, document) for slug, document in documents.items()}
