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
            "rounds": agent.tool_rounds > 0,
        }

    def blockers(self) -> dict[str, list[str]]:
        agent = self.instance
        if not agent.knowledge:
            return {}
        problems = [
            _UNUSABLE[FileState(file["state"])].format(name=file["name"])
            for file in agent.knowledge
            if file["state"] in _UNUSABLE
        ]
        provider = PROVIDERS.get(agent.provider)
        if provider is not None and not provider.supports_tools:
            problems.append(
                f"{provider.label} can't use tools, so it can't search files. Choose another provider under "
                "API keys, or remove the files."
            )
        if agent.tool_rounds == 0:
            problems.append(
                "Searching takes at least one round of tools. Raise the limit under Capabilities, or remove "
                "the files."
            )
        return {"__all__": problems} if problems else {}
