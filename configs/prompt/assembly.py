"""Assemble the system prompt that an agent sends, part by part, from its configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.choices import Tab

from . import phrases as words

if TYPE_CHECKING:
    from configs.models import AgentConfig

# English prose has about four characters per token with current tokenizers.
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Part:
    """One passage of a system prompt, and the form field that it comes from."""

    source: str
    label: str
    tab: Tab
    text: str

    @property
    def source_group(self) -> str:
        """Return what the preview colours it by: its tab, or custom for the owner's instructions."""
        return "custom" if self.source == "custom_instructions" else self.tab.value


@dataclass(frozen=True)
class PromptParts:
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """Return the prompt as the model receives it: one passage per line."""
        return "\n".join(part.text for part in self.parts)

    @property
    def tokens(self) -> int:
        """Estimate the prompt's length in tokens, within about 20 % for English."""
        return -(-len(self.text) // CHARACTERS_PER_TOKEN)


def system_prompt(agent: AgentConfig) -> PromptParts:
    """Return the system prompt of an agent's draft, with the owner's texts verbatim."""
    sections = (_identity, _personality, _capabilities, _knowledge, _skills, _answer)
    return PromptParts(tuple(part for section in sections for part in section(agent)))


def _identity(agent: AgentConfig) -> Iterator[Part]:
    yield Part("name", "Name", Tab.IDENTITY, "You are " + agent.name + ".")
    yield Part("type", "Type", Tab.IDENTITY, words.TYPES[agent.type])
    if agent.description:
        yield Part("description", "Description", Tab.IDENTITY, "Your purpose: " + agent.description)
    about = f"When asked about yourself: your handle is {agent.handle} and your version is {agent.version}."
    yield Part("version", "Handle and version", Tab.IDENTITY, about)


def _personality(agent: AgentConfig) -> Iterator[Part]:
    tab = Tab.PERSONALITY
    yield Part("preset", "Preset", tab, words.PRESETS[agent.preset])
    for trait in agent.traits:
        yield Part("traits", "Trait", tab, words.TRAITS[trait])
    yield Part("communication_style", "Style", tab, words.STYLES[agent.communication_style])
    yield Part("tone", "Tone", tab, words.TONES[agent.tone])
    yield Part("response_length", "Length", tab, words.LENGTHS[agent.response_length])
    yield Part("creativity", "Creativity", tab, words.creativity(float(agent.creativity)))
    if agent.custom_instructions:
        instructions = "Follow these instructions of your owner:\n" + agent.custom_instructions
        yield Part("custom_instructions", "Custom instructions", tab, instructions)


def _capabilities(agent: AgentConfig) -> Iterator[Part]:
    tab = Tab.CAPABILITIES
    if not agent.memory:
        yield Part("memory", "Memory", tab, words.NO_MEMORY)
    # Its check names tools that another version of the forge had; its pages still show.
    for tool in sorted(words.TOOLS.keys() & set(agent.tools)):
        yield Part("tools", "Tool", tab, words.TOOLS[tool])


def _answer(agent: AgentConfig) -> Iterator[Part]:
    if agent.answer_schema:
        text = words.ANSWER_SCHEMA + agent.answer_schema
        yield Part("answer_schema", "Structured answers", Tab.CAPABILITIES, text)


def _skills(agent: AgentConfig) -> Iterator[Part]:
    if agent.skills:
        described = [(skill["name"], skill["description"]) for skill in agent.skills]
        yield Part("skills", "Skills", Tab.KNOWLEDGE, words.skills(described))


def _knowledge(agent: AgentConfig) -> Iterator[Part]:
    names = [file["name"] for file in agent.knowledge if file["text"]]
    if not names:
        return
    yield Part("knowledge", "Files", Tab.KNOWLEDGE, words.knowledge(names))
    if not agent.knowledge_trusted:
        yield Part("knowledge_trusted", "Trust", Tab.KNOWLEDGE, words.UNTRUSTED_FILES)
