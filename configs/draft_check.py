"""What a check says of a draft: known at once for a page, made up to date before a build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from agentforge.tenancy.rls import as_service

from .agent_report import AgentReport, report_of
from .announcements import announce
from .choices import RunStatus, Tab
from .forms import TAB_FORMS
from .forms.base import draft_values
from .keys.vault import key_of
from .models import AgentConfig, ApiKey, ProcessRun, lock_agent
from .providers import PROVIDERS
from .providers.offers import offers_for
from .tab_checks import ACTIVE, VALID, checked_edition
from .validation import Errors, tab_problems


def known_problems(
    agent: AgentConfig, report: AgentReport | None = None, offered: Sequence[ApiKey] | None = None
) -> dict[str, Errors]:
    """Return the errors of a saved draft that are known without asking a provider: tab → field → messages.

    A tab that passed its check as it is now has none: no page refuses what another calls valid. `report` is
    the agent's, where it was made already, `offered` the rows of `offers_question`.
    """
    report = report or report_of(agent)
    passed = {step.name for step in report.tabs if step.state == VALID}
    problems: dict[str, Errors] = {}
    for tab, form_class in TAB_FORMS.items():
        if str(tab) in passed:
            continue
        offers = offers_for(agent.owner_id, offered) if tab == Tab.KEYS else None
        form = form_class(draft_values(form_class, agent), instance=agent, offers=offers)
        errors = {name: [str(text) for text in texts] for name, texts in form.errors.items()}
        if errors := errors or form.blockers():
            problems[str(tab)] = errors
    provider = PROVIDERS.get(agent.provider)
    trouble = report.trouble
    if Tab.KEYS not in (*problems, *passed) and (trouble or (provider and provider.unavailable)):
        problems[Tab.KEYS.value] = {
            "provider": [trouble.sentence if trouble else provider.unavailable if provider else ""]
        }
    return problems


def check_draft(agent: AgentConfig) -> dict[str, Errors]:
    """Check the tabs of a saved draft that did not pass as they are now; return the errors by tab.

    The outcome is stored like that of a run, so that nothing which passed is asked for again.
    """
    report = report_of(agent)
    if report.ready:
        return {}
    passed = {step.name for step in report.tabs if step.state == VALID}
    found = {step["tab"]: step for step in (report.run.steps if report.run else [])}
    steps = [found[tab.value] if tab.value in passed else _checked(agent, tab) for tab in Tab]
    problems: dict[str, Errors] = {step["tab"]: step["errors"] for step in steps if step.get("errors")}
    _store(agent, steps, RunStatus.INVALID if problems else RunStatus.READY)
    return problems


def _checked(agent: AgentConfig, tab: Tab) -> dict[str, Any]:
    errors, notes = tab_problems(agent, tab, retest_valid=False)
    return {
        "tab": tab.value,
        "state": "invalid" if errors else "valid",
        "errors": errors,
        "notes": notes,
        "edition": checked_edition(agent, tab, key_of(agent, agent.provider)),
    }


def _store(agent: AgentConfig, steps: list[dict[str, Any]], status: RunStatus) -> None:
    now = timezone.now()
    with transaction.atomic(), as_service():
        lock_agent(agent.pk)
        unfinished = ProcessRun.objects.filter(agent=agent, status__in=ACTIVE)
        unfinished.update(status=RunStatus.FAILED, finished_at=now)
        run: ProcessRun = ProcessRun.objects.create(
            owner_id=agent.owner_id, agent=agent, steps=steps, status=status, finished_at=now
        )
        announce(agent.pk, agent.owner_id, {"kind": "draft", "run": run.pk})
