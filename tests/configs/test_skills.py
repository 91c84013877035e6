"""The skills of an agent: what is taken, left out and refused, and where they go from the page."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from builds.compiler import sources
from configs.changes import differences, of_draft, of_revision
from configs.documents.document import parse
from configs.documents.export import export
from configs.documents.intake import import_agent
from configs.documents.problems import DocumentError
from configs.forms import KnowledgeForm
from configs.models import AgentConfig
from configs.revisions import create_revision, draft_json
from configs.services import duplicate_agent
from configs.skills.entries import MOST_BYTES, MOST_FILES, MOST_SKILLS
from tests.drivers.archives import zipped

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}
MAIN = "---\nname: forms\ndescription: Fills in forms.\n---\n\n# Forms\n\nAsk for the date.\n"


def _add(browser: Client, agent: AgentConfig, *files: tuple[str, bytes], paths: bool = False) -> Any:
    sent: dict[str, Any] = {"added": [SimpleUploadedFile(name, data) for name, data in files]}
    if paths:
        sent["paths"] = [name for name, _ in files]
    return browser.post(f"/agents/{agent.pk}/skills/add/", sent, headers=JSON)


def _paste(browser: Client, agent: AgentConfig, text: str) -> Any:
    return browser.post(
        f"/agents/{agent.pk}/skills/add/", {"text": text}, content_type="application/json", headers=JSON
    )


def _saved(agent: AgentConfig) -> AgentConfig:
    return AgentConfig.objects.get(pk=agent.pk)


def test_an_agent_without_skills_says_nothing_of_them(agent: AgentConfig) -> None:
    assert "skills" not in json.loads(draft_json(_saved(agent)))
    assert "skills" not in export(_saved(agent))
    assert "skill" not in sources.chosen_tools(draft_json(_saved(agent)))


def test_an_archive_is_added_listed_and_removed(browser: Client, agent: AgentConfig) -> None:
    files: dict[str, str | bytes] = {
        "skills/forms/SKILL.md": MAIN,
        "skills/forms/references/guide.md": "Use ink.",
        "skills/forms/scripts/fill.py": "print(1)\n",
        "skills/forms/assets/logo.png": b"\x89PNG\r\n\x1a\n\xff",
        "skills/greet/SKILL.md": MAIN.replace("forms", "greet"),
        "README.md": "About these.",
        "__MACOSX/x": "x",
    }
    added = _add(browser, agent, ("pack.zip", zipped(files)))
    assert added.status_code == 201, added.content
    assert [skill["name"] for skill in added.json()["skills"]] == ["forms", "greet"]
    notes = " ".join(added.json()["notes"])
    for left_out in ("assets/logo.png", "README.md", "__MACOSX/x"):
        assert left_out in notes
    page = browser.get(f"/agents/{agent.pk}/skills/").content.decode()
    for shown in ("forms", "Fills in forms.", "references/guide.md", "scripts/fill.py", "never run"):
        assert shown in page
    assert "greet" in browser.get(f"/agents/{agent.pk}/knowledge/").content.decode()
    assert browser.post(f"/agents/{agent.pk}/skills/greet/remove/", headers=JSON).status_code == 200
    assert browser.post(f"/agents/{agent.pk}/skills/greet/remove/", headers=JSON).status_code == 404
    (skill,) = browser.get(f"/agents/{agent.pk}/skills/", headers=JSON).json()["skills"]
    assert (skill["name"], skill["instructions"]) == ("forms", "# Forms\n\nAsk for the date.")
    actions = AuditEvent.objects.filter(action__startswith="skill").values_list("action", flat=True)
    assert sorted(actions) == ["skill-added", "skill-added", "skill-removed"]


def test_a_folder_is_added_with_its_paths(browser: Client, agent: AgentConfig) -> None:
    added = _add(
        browser,
        agent,
        ("form-filler/skill.md", MAIN.encode()),
        ("form-filler/references/guide.md", b"Use ink."),
        paths=True,
    )
    assert added.json()["notes"] == ["forms: Its folder is called “form-filler”, the skill is forms."]
    assert _saved(agent).skills[0]["files"] == [{"path": "references/guide.md", "text": "Use ink."}]


def test_a_pasted_skill_replaces_one_of_its_name(browser: Client, agent: AgentConfig) -> None:
    assert _paste(browser, agent, MAIN).status_code == 201
    assert _paste(browser, agent, MAIN.replace("date", "place").replace("\n", "\r\n")).status_code == 201
    (skill,) = _saved(agent).skills
    assert skill["instructions"] == "# Forms\n\nAsk for the place."


def test_what_a_skill_has_beyond_an_agent_s_use_is_named(browser: Client, agent: AgentConfig) -> None:
    text = MAIN.replace(
        "Fills in forms.",
        "Use when: a form is to be filled in\nallowed-tools: Bash\ncolour: red\nlicense: MIT",
    )
    added = _paste(browser, agent, text)
    assert added.status_code == 201, added.content
    notes = " ".join(added.json()["notes"])
    assert "allowed-tools was left out" in notes
    assert "colour" in notes
    assert "put it in quotes" in notes
    assert _saved(agent).skills[0]["description"] == "Use when: a form is to be filled in"
    assert _saved(agent).skills[0]["license"] == "MIT"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# Forms", "SKILL.md, line 1: begin with a line ---"),
        ("---\nname: forms\n", "line 1: the front matter does not end"),
        ("---\n---\nDo it.", "line 2: name and description are missing"),
        (MAIN.replace("name: forms\n", ""), "name is missing"),
        (MAIN.replace("name: forms", "name: Forms"), "line 2: name “Forms” must be"),
        (MAIN.replace("name: forms", "name: a--b"), "line 2: name “a--b” must be"),
        (MAIN.replace("name: forms", f"name: {'a' * 65}"), "up to 64 lowercase"),
        (MAIN.replace("name: forms", "name: 12"), "line 2: name must be text"),
        (MAIN.replace("Fills in forms.", ""), "line 3: description is missing"),
        (MAIN.replace("Fills in forms.", "x" * 1025), "line 3: description has 1,025 characters"),
        (MAIN.replace("Fills in forms.", "[a"), "SKILL.md, line"),
        (MAIN.replace("name: forms", "name: forms\nname: two"), "line 3, column 1: 'name' appears twice"),
        ("---\nname: forms\ndescription: x\n---\n \n", "line 5: forms: there are no instructions"),
    ],
)
def test_what_breaks_the_rules_is_refused_by_file_and_line(
    browser: Client, agent: AgentConfig, text: str, reason: str
) -> None:
    refused = _paste(browser, agent, text)
    assert refused.status_code == 422
    assert reason in " ".join(refused.json()["errors"]["added"])
    assert _saved(agent).skills == []
    # On the page, what was pasted is still there.
    page = browser.post(f"/agents/{agent.pk}/skills/add/", {"text": text})
    assert page.status_code == 422
    assert text.splitlines()[0] in page.content.decode()


def _hostile() -> dict[str, bytes]:
    link = zipfile.ZipInfo("forms/passwd")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("forms/SKILL.md", MAIN)
        archive.writestr(link, "/etc/passwd")
    twice = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("forms/SKILL.md", MAIN)
        archive.writestr("forms/SKILL.md", MAIN)
    bzip2 = io.BytesIO()
    with zipfile.ZipFile(bzip2, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("forms/SKILL.md", MAIN)
    return {
        "link": buffer.getvalue(),
        "twice": twice.getvalue(),
        "another way": bzip2.getvalue(),
        "unpacks to more": zipped({"forms/SKILL.md": MAIN, "forms/zeros": b"0" * 4_000_000}),
        "more than 1,000 entries": zipped({f"forms/{number}": "" for number in range(1001)}),
        "damaged": zipped({"forms/SKILL.md": MAIN})[:-30],
        "is not a path": zipped({"forms/SKILL.md": MAIN, "forms/../../x": "x"}),
        "is not a  path": zipped({"/forms/SKILL.md": MAIN}),
        "is  not a path": zipped({"C:/forms/SKILL.md": MAIN}),
        "is  not a  path": zipped({"forms\\SKILL.md": MAIN}),
        "There is no SKILL.md": zipped({"forms/README.md": "x", "a": "b"}),
    }


def test_hostile_archives_are_refused(browser: Client, agent: AgentConfig) -> None:
    for reason, data in _hostile().items():
        refused = _add(browser, agent, ("pack.zip", data))
        assert refused.status_code == 422, reason
        assert " ".join(reason.split()) in " ".join(refused.json()["errors"]["added"]), reason
    assert _saved(agent).skills == []


def test_limits_are_those_of_an_agent(browser: Client, agent: AgentConfig) -> None:
    half = MAIN + "x" * (MOST_BYTES // 2)
    assert _paste(browser, agent, half).status_code == 201
    full = _paste(browser, agent, half.replace("name: forms", "name: more"))
    assert full.status_code == 422
    assert f"at most {MOST_BYTES // 1024} KB" in str(full.json())
    many = {f"s{number}/SKILL.md": MAIN.replace("forms", f"s{number}") for number in range(MOST_SKILLS)}
    added = _add(browser, agent, ("pack.zip", zipped(dict(many))))
    assert len(added.json()["skills"]) == MOST_SKILLS - 1
    assert f"at most {MOST_SKILLS} skills" in " ".join(added.json()["refused"])
    files = {f"forms/{number}.md": "x" for number in range(MOST_FILES + 1)}
    refused = _add(browser, agent, ("pack.zip", zipped({"forms/SKILL.md": MAIN, **files})))
    assert f"at most {MOST_FILES} files" in str(refused.json())


def test_a_file_alone_may_have_any_name(browser: Client, agent: AgentConfig) -> None:
    assert _add(browser, agent, ("forms.md", MAIN.encode())).status_code == 201
    assert _add(browser, agent, ("broken.md", b"\xff\n")).status_code == 422


TEXTS = {
    "lines": "x\n" * 8000,
    "tabs": "\tx\n" * 8000,
    "trailing": "x \n" * 8000,
    "long": "word " * 22000,
    "letters": "\N{FOX FACE}\x85\x0c é\n" * 4000,
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_document_has_the_skills_word_for_word(
    browser: Client, agent: AgentConfig, alice: User, kind: str
) -> None:
    files: dict[str, str | bytes] = {"forms/SKILL.md": MAIN, "forms/a.txt": TEXTS[kind]}
    added = _add(browser, agent, ("pack.zip", zipped(files)))
    assert added.status_code == 201, added.content
    text = export(_saved(agent))
    imported = import_agent(parse(text), alice).agent
    assert _saved(imported).skills == _saved(agent).skills
    assert export(_saved(imported)).replace("ada-2", "ada") == text
    assert json.loads(json.dumps(parse(text).agent().skills)) == _saved(agent).skills


@pytest.mark.parametrize(
    ("skills", "reason"),
    [
        ("x", "Give a list of skills"),
        ("[{name: a, description: b}]", "there are no instructions"),
        ("[{name: a, description: b, instructions: c, more: d}]", "A skill has no “more”"),
        ("[{name: A, description: b, instructions: c}]", "must be up to 64 lowercase"),
        ("[{name: a, description: b, instructions: c, files: [{path: ../x, text: d}]}]", "is not a path"),
        ("[{name: a, description: b, instructions: c, files: [{path: skill.md, text: d}]}]", "two files"),
        ("[{name: a, description: b, instructions: c}, {name: a, description: b, instructions: c}]", "Two"),
    ],
)
def test_a_document_s_skills_are_judged_by_the_same_rules(
    agent: AgentConfig, skills: str, reason: str
) -> None:
    with pytest.raises(DocumentError, match=reason):
        parse(f"{export(_saved(agent))}skills: {skills}\n")


def test_a_copy_a_revision_and_its_return_have_the_skills(browser: Client, agent: AgentConfig) -> None:
    _paste(browser, agent, MAIN)
    assert _saved(duplicate_agent(_saved(agent))).skills == _saved(agent).skills
    revision = create_revision(_saved(agent))
    assert json.loads(revision.canonical_json)["skills"] == _saved(agent).skills
    browser.post(f"/agents/{agent.pk}/skills/forms/remove/")
    (difference,) = differences(of_revision(revision), of_draft(_saved(agent)))
    assert (difference.label, difference.after) == ("Skills", "none of the following")
    assert browser.post(f"/agents/{agent.pk}/revisions/{revision.number}/restore/").status_code == 302
    assert [skill["name"] for skill in _saved(agent).skills] == ["forms"]


def test_the_prompt_has_names_and_descriptions_only(browser: Client, agent: AgentConfig) -> None:
    # Characters that models read and people don't see.
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    _paste(browser, agent, MAIN.replace("Fills in forms.", f"Fills in{hidden} forms."))
    document = json.loads(draft_json(_saved(agent)))
    assert "- forms: Fills in forms." in document["system_prompt"]
    assert "Ask for the date." not in document["system_prompt"]
    assert sources.chosen_tools(json.dumps(document))[-1] == "skill"


def test_an_agent_that_can_t_use_tools_is_told(browser: Client, agent: AgentConfig) -> None:
    _paste(browser, agent, MAIN)
    AgentConfig.objects.filter(pk=agent.pk).update(tool_rounds=0)
    (problem,) = KnowledgeForm(instance=_saved(agent)).blockers()["__all__"][-1:]
    assert problem.startswith("To read skills takes at least one round")
    assert problem.endswith("or remove the skills.")


def test_only_an_agent_with_skills_has_their_code() -> None:
    listed = sources.read()
    assert not [name for name in listed.runtime if "skill" in name]
    for program in ("plugin", "standalone", "function", "host"):
        assert not [name for name in listed.targets[program] if "skill" in name]


def test_skills_are_their_owner_s(
    browser: Client, agent: AgentConfig, bob: User, client_of: Callable[[User], Client]
) -> None:
    _paste(browser, agent, MAIN)
    other = client_of(bob)
    assert other.get(f"/agents/{agent.pk}/skills/").status_code == 404
    assert _paste(other, agent, MAIN).status_code == 404
    assert other.post(f"/agents/{agent.pk}/skills/forms/remove/").status_code == 404
    assert len(_saved(agent).skills) == 1
