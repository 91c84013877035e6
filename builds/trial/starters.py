"""Questions to begin a conversation with, for people who don't know yet what to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from configs.choices import AgentType, Tool

_FIRST = "What can you help me with?"
_OF_TYPE = {
    AgentType.ASSISTANT: "Help me plan my day: what should I decide first?",
    AgentType.SPECIALIST: "Which mistake do beginners in your field make most often?",
    AgentType.RESEARCHER: "How would you find out whether a claim is true?",
    AgentType.ANALYST: "Which three numbers would you ask for first, and why?",
    AgentType.CREATIVE: "Suggest three names for a small bakery by the sea.",
    AgentType.TECHNICAL: "Explain what a race condition is, with a short example.",
}
_OF_TOOL = {
    Tool.CALCULATOR: "What is 17 % of 2,340?",
    Tool.CLOCK: "What time is it in Tokyo?",
    Tool.DATES: "How many working days are there from 2026-12-01 to 2027-01-15?",
    Tool.UNITS: "How many kilometres are 26.2 miles?",
    Tool.DATA_QUERY: "What is the total by region? region,amount / North,10 / South,5 / North,7",
    Tool.FACTS: "Remember that I prefer short answers.",
    Tool.FETCH: "What is new on one of the pages that you may read?",
    Tool.WEB_SEARCH: "What does the web say about the tides in Saint-Malo?",
    Tool.WORKSPACE: "Write a short packing list for a weekend into a file.",
}


def starters(document: Mapping[str, Any]) -> list[str]:
    """Return example questions for a configuration: a general one, its type's, and one for each tool."""
    kind = _OF_TYPE.get(document["identity"]["type"])
    tools = (_OF_TOOL.get(tool) for tool in document["capabilities"]["tools"])
    return [question for question in (_FIRST, kind, *tools) if question]
