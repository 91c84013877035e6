"""*Check everything*: validate the tabs of a draft in order, testing its key, and publish progress."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import transaction
from django.utils import timezone

from agentforge import found_servers
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.queue import shares
from agentforge.telemetry import jobs as job_log
from agentforge.tenancy.rls import as_service

from . import check_places
from .announcements import announce
from .choices import KeyStatus, RunStatus, Tab
from .forms import TAB_FORMS
from .forms.base import draft_values
from .keys.vault import KeyNeedsReentry, is_readable, key_of
from .keys.verification import CHECKS, retest
from .models import AgentConfig, ProcessRun, lock_agent
from .providers import PROVIDERS, Outcome
from .providers.offers import local_outcome, offers_for
from .tab_checks import ACTIVE, checked_edition

logger = logging.getLogger(__name__)

TASK = "configs.process_configuration"
# Moves in the queue are published up to this position.
ALWAYS_PUBLISHED = 20

Errors = dict[str, list[str]]


class Replaced(Exception):
    """A newer run replaced this one, or its agent was deleted."""


@performs(Act.TEST_KEY)
def start_run(agent: AgentConfig) -> ProcessRun:
    """Enqueue a validation of an agent's tabs, replacing an unfinished one."""
    with transaction.atomic(), as_service():
        lock_agent(agent.pk)
        unfinished = ProcessRun.objects.filter(agent=agent, status__in=ACTIVE)
        unfinished.update(status=RunStatus.FAILED, finished_at=timezone.now())
        steps = [{"tab": tab.value, "state": "pending"} for tab in Tab]
        run: ProcessRun = ProcessRun.objects.create(owner_id=agent.owner_id, agent=agent, steps=steps)
        run.job_id = shares.defer(CHECKS, TASK, agent.owner_id, run_id=run.pk)
        run.save(update_fields=["job_id"])
        _publish(run, status=run.status, tabs=[tab.value for tab in Tab])
    return run


def validate_draft(run_id: int) -> None:
    """Validate the tabs of a queued run, or of one that a dead worker left; ignore finished ones."""
    run: ProcessRun | None = ProcessRun.objects.select_related("agent").filter(pk=run_id).first()
    if run is None or run.status not in ACTIVE:
        return
    try:
        _set_status(run, RunStatus.RUNNING)
        job_log.started("check", run.pk, request_id=run.request_id, enqueued_at=run.created_at)
        publish_places()
        status = RunStatus.READY if all(_check(run, tab) for tab in Tab) else RunStatus.INVALID
        _set_status(run, status)
    except Replaced:
        logger.info("run %s was replaced", run_id)
    except Exception:
        fail_run(run_id)
        raise


def publish_places() -> None:
    """Publish the places of the first waiting runs on their agents' streams."""
    jobs = {job_id: job for job_id, job in check_places.waiting_checks().items() if job.position}
    first = sorted(jobs, key=lambda job_id: jobs[job_id].position or 0)[:ALWAYS_PUBLISHED]
    for run in ProcessRun.objects.filter(job_id__in=first, status=RunStatus.QUEUED):
        _publish(run, words=jobs[run.job_id or 0].words)


def fail_run(run_id: int) -> bool:
    """Mark an unfinished run as failed; return whether it was unfinished."""
    run: ProcessRun | None = ProcessRun.objects.filter(pk=run_id, status__in=ACTIVE).first()
    if run is None:
        return False
    try:
        _set_status(run, RunStatus.FAILED)
    except Replaced:
        return False
    return True


def _check(run: ProcessRun, tab: Tab) -> bool:
    _step(run, tab, state="checking")
    started = time.monotonic()
    agent: AgentConfig | None = AgentConfig.objects.filter(pk=run.agent_id).first()
    if agent is None:
        raise Replaced
    errors, notes = tab_problems(agent, tab)
    ms = round((time.monotonic() - started) * 1000)
    state = "invalid" if errors else "valid"
    key = key_of(agent, agent.provider)
    _step(run, tab, state=state, ms=ms, errors=errors, notes=notes, edition=checked_edition(agent, tab, key))
    return not errors


def tab_problems(agent: AgentConfig, tab: Tab, *, retest_valid: bool = True) -> tuple[Errors, list[str]]:
    """Return the errors of a saved tab, by field, and notes for its owner.

    The key is tested at its provider; without `retest_valid` only if its last test did not pass.
    """
    errors, notes = _key_problems(agent, retest_valid=retest_valid) if tab == Tab.KEYS else ({}, [])
    form_class = TAB_FORMS[tab]
    # Read after the key test, so that the model is checked against the newest list.
    offers = offers_for(agent.owner_id) if tab == Tab.KEYS else None
    form = form_class(draft_values(form_class, agent), instance=agent, offers=offers)
    for name, messages in form.errors.items():
        errors.setdefault(name, []).extend(str(message) for message in messages)
    for name, blockers in form.blockers().items():
        errors.setdefault(name, []).extend(blockers)
    return errors, notes


def _key_problems(agent: AgentConfig, *, retest_valid: bool) -> tuple[Errors, list[str]]:
    errors, notes = _problems_of(agent, agent.provider, retest_valid=retest_valid)
    found = {"provider": errors} if errors else {}
    if agent.fallback_provider not in ("", agent.provider):
        errors, more = _problems_of(agent, agent.fallback_provider, retest_valid=retest_valid)
        found |= {"fallback_provider": errors} if errors else {}
        notes = [*notes, *more]
    return found, notes


def _problems_of(agent: AgentConfig, code: str, *, retest_valid: bool) -> tuple[list[str], list[str]]:
    """Return the errors and the notes of the key that an agent uses for a provider."""
    provider = PROVIDERS.get(code)
    if provider is None:
        return [], []
    if provider.is_local:
        found_servers.look()
    if provider.unavailable:
        return [provider.unavailable], []
    if provider.is_local:
        return _outcome_problems(local_outcome(provider, fresh=True))
    key = key_of(agent, provider.code)
    if key is None:
        return [f"No key for {provider.label} is saved. Add it on this page."], []
    if key.status == KeyStatus.VALID and not retest_valid and is_readable(key):
        return [], []
    try:
        return _outcome_problems(retest(key))
    except KeyNeedsReentry as problem:
        return [str(problem)], []


def _outcome_problems(outcome: Outcome) -> tuple[list[str], list[str]]:
    """Only a rejection is an error; other outcomes become notes."""
    if outcome.refused:
        return [f"{outcome.detail} Replace it on this page."], []
    return [], [] if outcome.status == KeyStatus.VALID else [outcome.detail]


def _step(run: ProcessRun, tab: Tab, *, edition: str = "", **change: Any) -> None:
    stored = {**change, "edition": edition} if edition else change
    run.steps = [{**step, **stored} if step["tab"] == tab else step for step in run.steps]
    with transaction.atomic():
        _update(run, steps=run.steps)
        _publish(run, tab=tab.value, **change)


def _set_status(run: ProcessRun, status: RunStatus) -> None:
    finished = None if status == RunStatus.RUNNING else timezone.now()
    with transaction.atomic():
        _update(run, status=status, finished_at=finished)
        _publish(run, status=status.value)
        if finished:
            job_log.ended("check", run.pk, status, request_id=run.request_id, began_at=run.created_at)
    run.status = status


def _update(run: ProcessRun, **values: Any) -> None:
    """Update an unfinished run. Raises Replaced if it has ended."""
    if not ProcessRun.objects.filter(pk=run.pk, status__in=ACTIVE).update(**values):
        raise Replaced


def _publish(run: ProcessRun, **content: Any) -> None:
    announce(run.agent_id, run.owner_id, {"kind": "process", "run": run.pk, **content})
