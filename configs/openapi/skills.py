"""OpenAPI descriptions of the URLs of an agent's skills."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import BOOLEAN, INTEGER, STRING, array, record
from configs.forms.skills import AddSkillsForm

_SKILL = record(
    {
        **dict.fromkeys(("name", "description", "compatibility", "license", "instructions"), STRING),
        "files": array(record({"path": STRING, "size": INTEGER, "is_script": BOOLEAN})),
    }
)
describe("configs:skills", get=Operation("List an agent's skills", {"skills": array(_SKILL)}))
describe(
    "configs:skill_add",
    post=Operation(
        "Add a skill to an agent, or several as multipart/form-data",
        {"skills": array(_SKILL), "notes": array(STRING), "refused": array(STRING)},
        201,
        forms=[AddSkillsForm],
        required=["text"],
        note="`text` is a SKILL.md. In multipart/form-data, send zip archives or the files of one skill as "
        "`added`, with their `paths`. `notes` say what was left out, `refused` what was not added.",
    ),
)
describe("configs:skill_remove", post=Operation("Remove a skill from an agent"))
