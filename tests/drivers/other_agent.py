"""Serve an agent of the official A2A SDK, which repeats what it is asked.

Run as a program: `other_agent.py VERSION streaming|plain [KEY]`; it prints its port. To "sign" it asks back;
to "wait" it prints "waiting" and answers nothing until the task is cancelled, when it prints "cancelled".
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Peer:
    url: str
    process: subprocess.Popen[str]

    @property
    def card_url(self) -> str:
        return f"{self.url}/.well-known/agent-card.json"


@contextmanager
def other_agent(version: str = "1.0", way: str = "streaming", key: str = "") -> Iterator[Peer]:
    """Serve the agent in one version of the protocol until the end of the block."""
    command = [sys.executable, __file__, version, way, key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Peer(f"http://127.0.0.1:{process.stdout.readline().strip()}", process)
        finally:
            process.terminate()


def main(version: str, way: str, key: str) -> None:
    import uvicorn
    from a2a.server.agent_execution import AgentExecutor, RequestContext
    from a2a.server.events import EventQueue
    from a2a.server.request_handlers import DefaultRequestHandler
    from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
    from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
    from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Part
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
    from starlette.requests import Request
    from starlette.responses import Response

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    class Repeating(AgentExecutor):
        async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
            from a2a.helpers import new_task_from_user_message

            if context.current_task is None:
                assert context.message is not None
                await event_queue.enqueue_event(new_task_from_user_message(context.message))
            assert context.task_id and context.context_id
            task = TaskUpdater(event_queue, context.task_id, context.context_id)
            said = context.get_user_input()
            await task.start_work()
            if said == "sign":
                await task.requires_input(task.new_agent_message([Part(text="Sign the contract?")]))
            elif said == "wait":
                print("waiting", flush=True)
            else:
                for piece in ("You said: ", said):
                    await task.add_artifact(
                        [Part(text=piece)], artifact_id="a", append=piece == said, last_chunk=piece == said
                    )
                await task.complete()

        async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
            assert context.task_id and context.context_id
            await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()
            print("cancelled", flush=True)

    place = AgentInterface(
        url=f"http://127.0.0.1:{port}/rpc", protocol_binding="JSONRPC", protocol_version=version
    )
    card = AgentCard(
        name="Echo",
        description="Repeats what it is asked.",
        version="1.0.0",
        supported_interfaces=[place],
        capabilities=AgentCapabilities(streaming=way == "streaming"),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="echo", name="Echo", description="Says it again.", tags=["echo"])],
    )
    handler = DefaultRequestHandler(Repeating(), InMemoryTaskStore(), card)
    routes = [
        *create_agent_card_routes(card),
        *create_jsonrpc_routes(handler, "/rpc", enable_v0_3_compat=True),
    ]

    async def guard(request: Request, call_next: RequestResponseEndpoint) -> Response:
        is_question = request.method == "POST"
        if key and is_question and request.headers.get("authorization") != f"Bearer {key}":
            return Response("no", 401)
        return await call_next(request)

    app = Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=guard)])
    print(port, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:4])
