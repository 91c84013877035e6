"""Answer one question of the trial chat, in a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agentforge.incidents import record_incident
from agentforge.live.writer import StreamWriter
from agentforge.tenancy.threads import in_thread
from builds.errors import BuildError
from builds.models import ChatMessage
from configs.announcements import ensure_stream
from configs.keys.vault import KeyProblem, values_to_redact

from . import approvals, chat, kept_files, places
from .agent_log import AgentLog
from .agent_run import converse
from .answer import Answer
from .history import history
from .programs import program_of


async def run_answer(message_id: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Answer a question unless another job owns it; on cancellation, kill the agent and store that."""
    message = await in_thread(chat.claim, message_id, job_id)
    if message is None:
        return
    await in_thread(places.publish_places)
    secrets = await in_thread(values_to_redact, message.owner_id)
    await in_thread(ensure_stream, message.agent_id, message.owner_id)
    writer = StreamWriter(f"agent-{message.agent_id}")
    approval = await in_thread(approvals.take, message)
    earlier = approvals.earlier(message) if approval.answers else None
    answer = Answer(message_id, writer.write, secrets, earlier)
    try:
        await _answer(message, answer, AgentLog(secrets), approval)
    except asyncio.CancelledError:
        code, text = (
            ("internal", "The worker was stopped. Ask again.") if is_shutdown() else ("stopped", chat.STOPPED)
        )
        answer.add({"type": "error", "code": code, "message": text})
        await asyncio.shield(_finish(message, answer, writer))
        raise
    except BuildError as error:
        answer.add({"type": "error", "code": "internal", "message": str(error)})
    except KeyProblem as problem:
        answer.add({"type": "error", "code": "no_key", "message": str(problem)})
    except Exception:
        incident = record_incident(f"Answer {message_id}")
        text = f"The forge failed unexpectedly (incident {incident}). Ask again, or contact your operator."
        answer.add({"type": "error", "code": "internal", "message": text})
    await _finish(message, answer, writer)


async def _finish(message: ChatMessage, answer: Answer, writer: StreamWriter) -> None:
    await asyncio.to_thread(writer.close)
    await in_thread(chat.finish, message.pk, message.job_id, answer.status, event=answer.last, **answer.facts)


async def _answer(
    message: ChatMessage, answer: Answer, agent_log: AgentLog, approval: approvals.Request
) -> None:
    program, environment = await program_of(
        message.agent,
        message.build,
        message.document,
        on_wait=lambda words: answer.add({"type": "wait", "words": words}),
    )
    messages = await in_thread(history, message)
    answer.begin(program.document)
    environment = {**environment, "AGENT_STATE_KEY": approvals.state_key(message.agent_id)}
    files = await in_thread(kept_files.before, message)
    kept = await converse(program, messages, environment, answer.add, agent_log, approval.as_json(), files)
    if kept != files:
        await in_thread(kept_files.store, message, kept)
