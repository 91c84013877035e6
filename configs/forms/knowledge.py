from __future__ import annotations

from typing import Any

from agentforge.flag_field import FlagField
from configs.choices import Tab
from configs.models import AgentConfig, FileState
from configs.providers import PROVIDERS

from .base import DraftForm

_UNUSABLE = {
    FileState.QUEUED: "“{name}” is still waiting to be read. Check again when it is ready.",
    FileState.READING: "“{name}” is still being read. Check again when it is ready.",
    FileState.FAILED: "“{name}” could not be read. Remove it, or add another version of it.",
    FileState.MISSING: "“{name}” is missing. Add it, or remove it from the list.",
}


class KnowledgeForm(DraftForm):
    """How the agent treats its files, which are added and removed by themselves."""

    tab = Tab.KNOWLEDGE

    knowledge_trusted = FlagField(
        required=False,
        label="Trust these files",
        help_text="Turn this off if strangers wrote them: the agent takes nothing in them as an instruction.",
    )

    class Meta:
        model = AgentConfig
        fields = ("knowledge_trusted",)

    @classmethod
    def checked_values(cls, agent: AgentConfig) -> dict[str, Any]:
        return {
            **super().checked_values(agent),
            "knowledge": agent.knowledge,
            # Only where there are any, so that the checks of other agents stay current.
            **({"skills": agent.skills} if agent.skills else {}),
            "rounds": agent.tool_rounds > 0,
        }

    def blockers(self) -> dict[str, list[str]]:
        agent = self.instance
        if not (agent.knowledge or agent.skills):
            return {}
        problems = [
            _UNUSABLE[FileState(file["state"])].format(name=file["name"])
            for file in agent.knowledge
            if file["state"] in _UNUSABLE
        ]
        provider = PROVIDERS.get(agent.provider)
        if provider is not None and not provider.supports_tools:
            problems.append(
                f"{provider.label} can't use tools, so it can't {self._use}. Choose another provider under "
                f"API keys, or remove the {self._holdings}."
            )
        if agent.tool_rounds == 0:
            problems.append(
                "To " + self._use + " takes at least one round of tools. Raise the limit under Capabilities, "
                f"or remove the {self._holdings}."
            )
        return {"__all__": problems} if problems else {}

    @property
    def _use(self) -> str:
        uses = {"search files": self.instance.knowledge, "read skills": self.instance.skills}
        return " or ".join(words for words, held in uses.items() if held)

    @property
    def _holdings(self) -> str:
        held = {"files": self.instance.knowledge, "skills": self.instance.skills}
        return " and the ".join(words for words, any_held in held.items() if any_held)
