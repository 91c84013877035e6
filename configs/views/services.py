"""The services of an agent: test a server, choose its tools, remove it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import failure, form_failure, negotiated, posted, success, wants_json
from configs.choices import Tab
from configs.conflicts import Basis, Conflict
from configs.forms import CapabilitiesForm
from configs.forms.agent_services import AgentChoiceForm
from configs.forms.agent_services import AgentForm as OtherAgentForm
from configs.forms.api_services import APIForm
from configs.forms.base import draft_values
from configs.forms.local_services import LocalChoiceForm, LocalForm
from configs.forms.services import APIChoiceForm, ServiceChoiceForm, ServiceForm, ServiceNameForm
from configs.keys import vault
from configs.keys.service_keys import headers_with, save_service_key, service_key
from configs.models import AgentConfig
from configs.services import save_draft
from configs.tools.mcp_listing import Listing, ListingFailed, list_tools
from configs.tools.offers import OfferedTool, gone_tools, offered_tools
from configs.tools.services import AGENT, API, LOCAL, MCP, PARTS, SETTING, services_of

from .forms import agent_of

_Form = ServiceForm | LocalForm
_ChoiceForm = ServiceChoiceForm | LocalChoiceForm | AgentChoiceForm
_CHOICES: dict[str, type[_ChoiceForm]] = {
    API: APIChoiceForm,
    LOCAL: LocalChoiceForm,
    AGENT: AgentChoiceForm,
}


class _NotSaved(Exception):
    def __init__(self, reasons: list[str]) -> None:
        super().__init__()
        self.reasons = reasons


@require_safe
def service_list(request: Request, pk: int) -> HttpResponse:
    return _page(request, agent_of(request, pk))


def _test_later(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    form = ServiceForm(posted(request))
    form.add_error(None, str(refusal))
    return refuse_service(request, agent_of(request, pk), form)


@require_POST
@negotiated
@rate_limited("key tests", _test_later)
def service_test(request: Request, pk: int) -> HttpResponse:
    """Ask a server for its tools, and show them to choose from."""
    agent = agent_of(request, pk)
    form = ServiceForm(posted(request))
    if not form.is_valid():
        return refuse_service(request, agent, form)
    try:
        listing = _list(agent, form)
    except (ListingFailed, vault.KeyNeedsReentry) as error:
        form.add_error("url", str(error))
        return refuse_service(request, agent, form)
    chosen = entry_of(agent, MCP, form.cleaned_data["name"]).get(PARTS[MCP], [])
    offered = offered_tools(form.cleaned_data["name"], listing.tools, chosen)
    gone = gone_tools(listing.tools, chosen)
    if wants_json(request):
        return success(protocol=listing.protocol, tools=[tool.as_json() for tool in offered], gone=gone)
    note = f"The server answers in version {listing.protocol} of the protocol."
    return choice_page(request, agent, form, offered, gone, note, listing.protocol)


def choice_page(
    request: Request,
    agent: AgentConfig,
    form: _Form,
    offered: Sequence[OfferedTool],
    gone: Sequence[str],
    note: str,
    protocol: str = "",
) -> HttpResponse:
    """Show what a service offers, to choose from."""
    context: dict[str, Any] = {"offered": offered, "gone": gone, "note": note, "protocol": protocol}
    return _page(request, agent, tested=form, offered_json=_offered_json(offered), **context)


def _choose_again(
    request: Request, agent: AgentConfig, form: _ChoiceForm, reasons: Sequence[str]
) -> HttpResponse:
    """Show a choice as it was sent, and why it was not saved."""
    chosen, reads = (form[name].value() or () for name in ("chosen", "reads"))
    offered = [
        OfferedTool(part, "chosen" if part["name"] in chosen else "new", reads=bool(part["name"] in reads))
        for part in form.cleaned_data["offered"]
    ]
    context: dict[str, Any] = {"offered": offered, "protocol": form.cleaned_data["protocol"]}
    context |= {"tested": form, "reasons": reasons, "offered_json": _offered_json(offered)}
    return _page(request, agent, status=422, **context)


def _offered_json(offered: Sequence[OfferedTool]) -> str:
    """Return what can be chosen, as the form that chooses sends it again."""
    return json.dumps([tool.part for tool in offered if tool.state != "refused"])


@performs(Act.TEST_KEY)
def _list(agent: AgentConfig, form: ServiceForm) -> Listing:
    """List a server's tools with the key of a valid form, or the stored one; store a new key that works."""
    url, secret = form.cleaned_data["url"], form.cleaned_data["key"]
    if form.sending and not secret and (stored := service_key(agent.owner_id, url)):
        secret = vault.reveal(stored, f"listed the tools of {url}")
    listing = list_tools(url, headers_with(form.sending, secret))
    if form.cleaned_data["key"]:
        save_service_key(agent.owner_id, url, secret)
    return listing


@require_POST
@negotiated
def service_save(request: Request, pk: int) -> HttpResponse:
    """Give an agent the chosen tools of a server."""
    agent = agent_of(request, pk)
    data = posted(request)
    form_class = _CHOICES.get(str(data.get("tool")) if data else "", ServiceChoiceForm)
    form = form_class(data)
    if not form.is_valid():
        if wants_json(request):
            return form_failure(form)
        if set(form.errors) == {"chosen"}:
            return _choose_again(request, agent, form, _texts(form))
        return _failed(request, agent, _texts(form))
    tool, entry = form.tool, form.with_chosen(form.entry)
    try:
        settings = _save(agent, tool, [*_others(agent, tool, entry["name"]), entry])
    except _NotSaved as refusal:
        if wants_json(request):
            return failure({"tool_settings": refusal.reasons})
        return _choose_again(request, agent, form, refusal.reasons)
    return _saved(request, agent, settings, f"{entry['name']} is saved.")


@require_POST
@negotiated
def service_remove(request: Request, pk: int) -> HttpResponse:
    """Take a service from an agent, and forget its key if no other agent calls the address."""
    agent = agent_of(request, pk)
    form = ServiceNameForm(posted(request))
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else redirect("configs:services", pk=pk)
    tool, name = form.cleaned_data["tool"], form.cleaned_data["name"]
    url = entry_of(agent, tool, name).get("url", "")
    try:
        settings = _save(agent, tool, _others(agent, tool, name))
    except _NotSaved as refusal:
        return _failed(request, agent, refusal.reasons)
    key = service_key(agent.owner_id, url) if url else None
    if key is not None and not _is_called(request, url):
        vault.remove_key(key)
    return _saved(request, agent, settings, f"{name} is removed.")


def _is_called(request: Request, url: str) -> bool:
    agents = AgentConfig.objects.owned_by(request.user).exclude(tool_settings={})
    return any(service.url == url for agent in agents for service in services_of(agent.tool_settings))


def _entries(agent: AgentConfig, tool: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = agent.tool_settings.get(tool, {}).get(SETTING[tool], [])
    return entries


def entry_of(agent: AgentConfig, tool: str, name: str) -> Mapping[str, Any]:
    """Return one of an agent's services as agent.json names it; empty if it has none of this name."""
    return next((entry for entry in _entries(agent, tool) if entry["name"] == name), {})


def _others(agent: AgentConfig, tool: str, name: str) -> list[dict[str, Any]]:
    return [entry for entry in _entries(agent, tool) if entry["name"] != name]


def _save(agent: AgentConfig, tool: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Save an agent's services through the form of its tab; return the tool's settings. Raises _NotSaved."""
    saved = draft_values(CapabilitiesForm, agent)
    tools = {*saved["tools"], tool} if entries else {*saved["tools"]} - {tool}
    settings = {**saved["tool_settings"], tool: {SETTING[tool]: entries}}
    form = CapabilitiesForm(
        {**saved, "tools": sorted(tools), "tool_settings": settings}, instance=copy(agent)
    )
    try:
        if not form.is_valid():
            raise _NotSaved(_texts(form))
        save_draft(agent, form.cleaned_values(), Basis(values=saved))
    except Conflict as conflict:
        raise _NotSaved(["The agent was changed elsewhere. Nothing was saved; do it again."]) from conflict
    saved_settings: dict[str, Any] = form.cleaned_values()["tool_settings"].get(tool, {})
    return saved_settings


def _saved(request: Request, agent: AgentConfig, settings: dict[str, Any], message: str) -> HttpResponse:
    if wants_json(request):
        return success(tools=settings)
    messages.success(request, message)
    return redirect("configs:services", pk=agent.pk)


def _texts(form: BaseForm) -> list[str]:
    return [str(text) for texts in form.errors.values() for text in texts]


def _failed(request: Request, agent: AgentConfig, reasons: list[str]) -> HttpResponse:
    if wants_json(request):
        return failure({"tool_settings": reasons})
    for reason in reasons:
        messages.error(request, reason)
    return _page(request, agent, status=422)


def refuse_service(request: Request, agent: AgentConfig, form: _Form) -> HttpResponse:
    """Show what is wrong with a form; nothing was saved."""
    return form_failure(form) if wants_json(request) else _page(request, agent, form, status=422)


def _page(
    request: Request, agent: AgentConfig, form: _Form | None = None, status: int = 200, **context: Any
) -> HttpResponse:
    rows = [
        (service, service_key(agent.owner_id, service.url))
        for service in services_of(agent.tool_settings)
        if service.tool in SETTING
    ]
    further = {"agent": agent, "tab": Tab.CAPABILITIES, "shown": agent, "rows": rows}
    further["tools_refused"] = CapabilitiesForm(instance=copy(agent)).tools_refused
    forms: list[_Form] = [ServiceForm(), APIForm(), OtherAgentForm(), LocalForm()]
    if form is not None:
        forms = [form if each.tool == form.tool else each for each in forms]
    context = {**further, "service_forms": forms, **context}
    return render(request, "configs/agent_services.html", context, status=status)
