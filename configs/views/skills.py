"""The skills of an agent: list, add, remove."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from agentforge.http import Request
from agentforge.negotiation import failure, form_failure, negotiated, posted, success, wants_json
from configs.choices import Tab
from configs.forms.skills import AddSkillsForm
from configs.models import AgentConfig
from configs.skills.entries import MAIN_FILE, MOST_BYTES, Skill, size_of
from configs.skills.markdown import SkillRefused
from configs.skills.store import add_skill, remove_skill
from configs.skills.uploads import Reading, read_uploads

from .forms import agent_of

_SHOWN = ("name", "description", "compatibility", "license", "instructions")


@require_safe
@negotiated
def skill_list(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if wants_json(request):
        return success(skills=[_skill_json(skill) for skill in agent.skills])
    return _page(request, agent, AddSkillsForm())


@require_POST
@negotiated
def skill_add(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = AddSkillsForm(posted(request), request.FILES)
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else _page(request, agent, form, status=422)
    added, refused = _add_all(agent, read_uploads(form.uploads()))
    if not added:
        form.add_error("added" if form.cleaned_data["added"] else "text", refused)
        return failure({"added": refused}) if wants_json(request) else _page(request, agent, form, status=422)
    notes = [f"{reading.title}: {note}" for reading in added for note in reading.notes]
    if wants_json(request):
        skills = [_skill_json(reading.skill) for reading in added if reading.skill]
        return success(201, skills=skills, notes=notes, refused=refused)
    messages.success(request, f"Added: {', '.join(reading.title for reading in added)}.")
    for note in notes:
        messages.warning(request, note)
    for reason in refused:
        messages.error(request, reason)
    return redirect("configs:skills", pk=pk)


def _add_all(agent: AgentConfig, readings: list[Reading]) -> tuple[list[Reading], list[str]]:
    """Add each skill by itself; return those that were added, and why others were not."""
    added, refused = [], []
    for reading in readings:
        problems: list[str] = list(reading.problems)
        try:
            if reading.skill is not None:
                add_skill(agent, reading.skill)
                added.append(reading)
        except SkillRefused as refusal:
            problems += [f"{reading.title}: {problem}" for problem in refusal.problems]
        refused += problems
    return added, refused


@require_POST
@negotiated
def skill_remove(request: Request, pk: int, name: str) -> HttpResponse:
    agent = agent_of(request, pk)
    if all(skill["name"] != name for skill in agent.skills):
        raise Http404
    remove_skill(agent, name)
    if wants_json(request):
        return success()
    messages.success(request, f"{name} is removed. Earlier revisions keep it.")
    return redirect("configs:skills", pk=pk)


def _skill_json(skill: Skill) -> dict[str, Any]:
    return {**{name: skill.get(name, "") for name in _SHOWN}, "files": _files(skill)}


def _files(skill: Skill) -> list[dict[str, Any]]:
    return [
        {
            "path": file["path"],
            "size": len(file["text"].encode()),
            "is_script": file["path"].startswith("scripts/"),
        }
        for file in [{"path": MAIN_FILE, "text": skill["instructions"]}, *skill.get("files", [])]
    ]


def _page(request: Request, agent: AgentConfig, form: AddSkillsForm, status: int = 200) -> HttpResponse:
    context = {
        "agent": agent,
        "tab": Tab.KNOWLEDGE,
        "shown": agent,
        "add_form": form,
        "skills": [(skill, _files(skill)) for skill in agent.skills],
        "used": sum(map(size_of, agent.skills)),
        "most": MOST_BYTES,
    }
    return render(request, "configs/agent_skills.html", context, status=status)
