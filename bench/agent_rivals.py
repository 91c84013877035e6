"""The same agent in the most used Python frameworks, in a virtual environment of their own.

Each program answers one question (`--message`), or serves chat completions on a free port and prints its URL.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from agentforge import child_environment

FRAMEWORKS = ("pydantic-ai-slim[openai]==2.68.0", "openai-agents==0.24.0")
_SERVER = ("starlette==1.10.0", "uvicorn==0.54.0")

_PYDANTIC_AI = """
import os
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"])
agent = Agent(OpenAIChatModel("instant", provider=provider), instructions=PROMPT, tools=[calculator, clock])

async def stream(question):
    async with agent.run_stream(question) as result:
        async for text in result.stream_text(delta=True, debounce_by=None):
            yield text

async def answer(question):
    return (await agent.run(question)).output
"""

_OPENAI_AGENTS = """
import os
from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

set_tracing_disabled(True)
client = AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"])
model = OpenAIChatCompletionsModel("instant", openai_client=client)
tools = [function_tool(calculator), function_tool(clock)]
agent = Agent(name="Ada", instructions=PROMPT, model=model, tools=tools)

async def stream(question):
    async for event in Runner.run_streamed(agent, question).stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            yield event.data.delta

async def answer(question):
    return (await Runner.run(agent, question)).final_output
"""

_BEGIN = """
def calculator(expression: str) -> str:
    "Calculate with a number."
    return str(float(expression))

def clock() -> str:
    "Tell the date and time."
    import datetime
    return datetime.datetime.now().isoformat()
"""

_END = """
import asyncio, sys

async def ask(question):
    async for text in stream(question):
        print(text, end="", flush=True)
    print()

async def complete(request):
    message = (await request.json())["messages"][-1]["content"]
    said = {"role": "assistant", "content": await answer(message)}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    return JSONResponse({"id": "c", "object": "chat.completion", "choices": [choice]})

if sys.argv[1] == "--message":
    asyncio.run(ask(sys.argv[2]))
else:
    import socket, uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    # Named as TCP, so that asyncio sends without waiting for acknowledgements.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
"""

_PROGRAMS = dict(zip(FRAMEWORKS, (_PYDANTIC_AI, _OPENAI_AGENTS), strict=True))


@dataclass(frozen=True)
class Rival:
    """A framework with its version, and the command of its agent."""

    name: str
    command: list[str]


def install(directory: Path, prompt: str) -> list[Rival]:
    """Return the agents of the frameworks that can be installed; say on stderr which can't."""
    return [rival for framework in FRAMEWORKS if (rival := _install(directory, framework, prompt))]


def _install(directory: Path, framework: str, prompt: str) -> Rival | None:
    name = framework.replace("-slim[openai]", "").replace("==", " ")
    home = directory / name.replace(" ", "-")
    venv.create(home, with_pip=True, symlinks=True)
    python = str(home / "bin" / "python")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", framework, *_SERVER]
    done = subprocess.run(
        command, env=child_environment.for_pip(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"Without {name}, which can't be installed:\n{done.stderr}", file=sys.stderr, flush=True)
        return None
    program = home / "agent.py"
    program.write_text(f"PROMPT = {json.dumps(prompt)}\n{_BEGIN}{_PROGRAMS[framework]}{_END}")
    return Rival(name, [python, str(program)])
