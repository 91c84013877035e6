"""Save an agent's cases, and the transitions of a run: queued, running, finished or stopped."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.queue import shares
from agentforge.telemetry import jobs as job_log
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import Evaluation, EvaluationRun
from builds.queue import jobs
from builds.trial import chat
from configs.announcements import announce
from configs.documents.problems import DocumentError
from configs.draft_check import known_problems
from configs.models import AgentConfig, lock_agent
from configs.revisions import draft_json

from . import cases
from .results import CaseResult, stored

Status = EvaluationRun.Status
# Of an agent; a new run takes the place of the oldest one.
MOST_KEPT = 100
MOST_RECORDINGS = 10
OPEN = (Status.QUEUED, Status.RUNNING)
DRAFT, BUILD = "draft", "build"


def save(agent: AgentConfig, text: str, gate: str) -> Evaluation:
    """Store an agent's cases, which `cases.read` has accepted, and their gate."""
    with transaction.atomic(), as_service():
        lock_agent(agent.pk)
        row: Evaluation = Evaluation.objects.update_or_create(
            agent=agent, defaults={"owner_id": agent.owner_id, "cases": text, "gate": gate}
        )[0]
    return row


@performs(Act.EVALUATE)
def enqueue(agent: AgentConfig, by: User | None, against: str, recording: int | None = None) -> EvaluationRun:
    """Create a run of the saved cases against the newest build or the draft: row and job in one transaction.

    With the number of a run as `recording`, its recording answers instead of providers.

    Raises NotPossible without cases, without a build, with a draft that can't answer, and during another run.
    """
    if against == DRAFT and known_problems(agent):
        raise NotPossible("The draft can't answer yet. Check it first: Build says what is missing.")
    with transaction.atomic(), as_service():
        draft = lock_agent(agent.pk)
        if agent_runs(agent).filter(status__in=OPEN).exists():
            raise NotPossible("An evaluation of this agent is running. Wait for it, or stop it.")
        evaluation = Evaluation.objects.filter(agent=agent).first()
        if evaluation is None or not evaluation.cases.strip():
            raise NotPossible("There are no cases yet. Write one first, and save it.")
        suite = read_saved(evaluation)
        run = EvaluationRun(owner_id=agent.owner_id, agent=agent, cases=evaluation.cases, trials=suite.trials)
        _choose_subject(run, draft, against)
        if recording is not None:
            run.replayed = recording
            if not agent_runs(agent).filter(pk=recording, recording_size__gt=0).exists():
                raise NotPossible("That run has no recording. Evaluate without one.")
        run.save()
        agent_runs(agent).filter(pk__in=agent_runs(agent).values("pk")[MOST_KEPT:]).delete()
        run.job_id = shares.defer(jobs.EVALUATIONS, jobs.EVALUATE, agent.owner_id, evaluation_run_id=run.pk)
        run.save(update_fields=["job_id"])
        record(Action.EVALUATION_ASKED, owner=agent.owner_id, actor=by, subject=agent)
        _announce(run)
    return run


def read_saved(evaluation: Evaluation) -> cases.Suite:
    """Return an agent's cases. Raises NotPossible for those that only an older forge took."""
    try:
        return cases.read(evaluation.cases)
    except DocumentError as error:
        raise NotPossible(
            f"The cases are not valid any more. Correct them, and save them: {error}"
        ) from error


def _choose_subject(run: EvaluationRun, draft: AgentConfig, against: str) -> None:
    if against == DRAFT:
        run.document = draft_json(draft)
        edition = chat.edition_of(draft, run.document)
        run.subject = "the draft" + (f" ({edition})" if edition else "")
        return
    run.build = chat.newest_build(draft)
    if run.build is None:
        raise NotPossible("The agent is not compiled yet. Compile it first, or evaluate the draft.")
    run.subject = f"build {run.build.pk} (revision {run.build.revision.number})"


def agent_runs(agent: AgentConfig) -> QuerySet[EvaluationRun]:
    return EvaluationRun.objects.filter(agent=agent).defer("recording")


def claim(pk: int, job_id: int) -> EvaluationRun | None:
    """Start a queued run; return None if it was stopped or belongs to another job."""
    with transaction.atomic():
        waiting = EvaluationRun.objects.filter(pk=pk, job_id=job_id, status=Status.QUEUED)
        if not waiting.update(status=Status.RUNNING):
            return None
        run: EvaluationRun = EvaluationRun.objects.select_related("owner", "agent", "build__revision").get(
            pk=pk
        )
        _announce(run)
        job_log.started("evaluation", pk, request_id=run.request_id, enqueued_at=run.created_at)
    return run


def store(pk: int, job_id: int, results: Sequence[CaseResult]) -> bool:
    """Store the results so far of a running run; return False if it has ended."""
    with transaction.atomic():
        running = EvaluationRun.objects.filter(pk=pk, job_id=job_id, status=Status.RUNNING)
        if not running.update(results=stored(results)):
            return False
        _announce(EvaluationRun.objects.get(pk=pk))
    return True


def keep_recording(pk: int, job_id: int, content: bytes) -> None:
    """Keep what providers answered in a running run, and no more than the newest recordings of its agent."""
    with transaction.atomic():
        running = EvaluationRun.objects.filter(pk=pk, job_id=job_id, status=Status.RUNNING)
        if not running.update(recording=content, recording_size=len(content)):
            return
        recorded = EvaluationRun.objects.filter(agent__evaluation_runs=pk, recording_size__gt=0)
        older = list(recorded.order_by("-pk").values_list("pk", flat=True)[MOST_RECORDINGS:])
        EvaluationRun.objects.filter(pk__in=older).update(recording=None, recording_size=0)


def finish(pk: int, job_id: int | None, status: Status, error: str = "") -> bool:
    """End a run; return False when it has ended already."""
    with transaction.atomic():
        unfinished = EvaluationRun.objects.filter(pk=pk, job_id=job_id, status__in=OPEN)
        if not unfinished.update(status=status, error=error, finished_at=timezone.now()):
            return False
        run: EvaluationRun = EvaluationRun.objects.defer("recording").get(pk=pk)
        _announce(run)
        job_log.ended("evaluation", pk, status, request_id=run.request_id, began_at=run.created_at)
    return True


def stop(agent: AgentConfig) -> bool:
    """Stop the agent's run; return False when none is open. What it found so far is kept."""
    with transaction.atomic(), as_service():
        run = agent_runs(agent).filter(status__in=OPEN).select_for_update().first()
        if run is None:
            return False
        if run.job_id is not None:
            jobs.withdraw(run.job_id)
        if run.status == Status.QUEUED:
            finish(run.pk, run.job_id, Status.STOPPED)
    return True


def _announce(run: EvaluationRun) -> None:
    announce(run.agent_id, run.owner_id, {"kind": "evaluation", "run": run.pk, "status": run.status})
