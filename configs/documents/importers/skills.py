"""Agent Skills: a SKILL.md, or an archive with one or more, makes an agent that has them.

https://agentskills.io/specification
"""

from __future__ import annotations

from configs.documents.problems import DocumentError, Problem
from configs.skills.uploads import Reading, read_uploads

from .base import LONGEST_DESCRIPTION, Foreign, agent_document


def from_skills(file: str, data: bytes) -> Foreign:
    """Return an agent with the skills of a file, called after its skill."""
    readings = read_uploads([(file, data)])
    read = [reading for reading in readings if reading.skill is not None]
    problems = [problem for reading in readings for problem in reading.problems]
    if not read:
        raise DocumentError([Problem("", problem) for problem in problems])
    notes = [f"{reading.title}: {note}" for reading in read for note in reading.notes]
    notes += [f"Left out: {problem}" for problem in problems]
    name, about = _words(read)
    if len(about) > LONGEST_DESCRIPTION:
        notes.append(
            f"The agent's description was cut at {LONGEST_DESCRIPTION} of {len(about):,} characters. "
            "The skill has the whole one."
        )
    skills = [reading.skill for reading in read]
    return Foreign({**agent_document(name, about, "", notes), "skills": skills}, tuple(notes))


def _words(read: list[Reading]) -> tuple[str, str]:
    """Return a name and a description for an agent: those of its only skill, or the names of all."""
    if len(read) == 1 and (skill := read[0].skill):
        return str(skill["name"]).replace("-", " ").capitalize(), str(skill["description"])
    return "Agent with skills", f"Has the skills {', '.join(reading.title for reading in read)}."
