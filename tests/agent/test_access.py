"""Who reaches a served agent, what it tells of itself, and that it calls nobody but its provider."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from builds.compiler import sandbox
from tests.drivers.absence import absent
from tests.drivers.agent_programs import Served, compiled, environment_for, serving
from tests.drivers.forge import ROOT
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Failure, Text

ASKING: dict[str, Any] = {
    "/chat": {"messages": [{"role": "user", "content": "Hello"}]},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hello"}]},
    "/v1/responses": {"input": "Hello"},
    "/mcp": {"jsonrpc": "2.0", "id": 1, "method": "ping"},
    "/a2a": {"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"id": "x"}},
}


def test_others_need_the_token_that_is_printed(model: OpenAIStandIn) -> None:
    with serving(model, address="[::]:0") as server:
        url = f"http://127.0.0.1:{server.url.rpartition(':')[2]}"
        header = server.log[-1].strip()
        assert header.startswith("Authorization: Bearer ")
        key = {"Authorization": header.removeprefix("Authorization: ")}
        for path, body in ASKING.items():
            assert httpx.post(url + path, json=body).status_code == 401, path
            assert httpx.post(url + path, json=body, headers=key).status_code == 200, path
        for path in ("/metrics", "/manifest", "/v1/models"):
            assert httpx.get(url + path).status_code == 401, path
            assert httpx.get(url + path, headers=key).status_code == 200, path
        for path in ("/healthz", "/.well-known/agent-card.json"):
            assert httpx.get(url + path).status_code == 200, path
        assert "bearer" in httpx.get(f"{url}/.well-known/agent-card.json").json()["securitySchemes"]


def test_foreign_pages_and_names_are_refused_everywhere(served: Served) -> None:
    for path, body in ASKING.items():
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
            assert httpx.post(served.url + path, json=body, headers=headers).status_code == 403, path
        own = {"Origin": served.url}
        assert httpx.post(served.url + path, json=body, headers=own).status_code == 200, path


def test_metrics_count_answers(served: Served, model: OpenAIStandIn) -> None:
    def samples() -> dict[tuple[str, str], float]:
        families = text_string_to_metric_families(httpx.get(f"{served.url}/metrics").text)
        return {
            (sample.name, ",".join(sample.labels.values())): sample.value
            for family in families
            for sample in family.samples
        }

    before = samples()
    model.replies.extend([Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("It is 42.")])
    httpx.post(f"{served.url}/v1/responses", json={"input": "6*7?"})
    model.replies.append(Failure(401, "invalid_api_key", "Incorrect API key provided."))
    httpx.post(f"{served.url}/chat", json=ASKING["/chat"])
    after = samples()
    for counter, more in {
        ("agent_answers_total", "done"): 1,
        ("agent_answers_total", "provider_refused"): 1,
        ("agent_tool_calls_total", "calculator,ok"): 1,
        ("agent_tokens_total", "input"): 22,
        ("agent_answer_seconds_count", ""): 2,
        ("agent_first_token_seconds_count", ""): 1,
    }.items():
        assert after[counter] - before.get(counter, 0) == more, counter


def ask_as_json(model: OpenAIStandIn) -> tuple[int, dict[str, Any]]:
    command = [str(compiled("standalone")), "--message", "6*7?", "--json"]
    done = subprocess.run(command, env=environment_for(model), capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout)


def test_scripts_get_json_and_an_exit_code(model: OpenAIStandIn) -> None:
    model.replies.extend([Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("It is 42.")])
    tools = [{"name": "calculator", "arguments": {"expression": "6*7"}, "result": "42", "error": False}]
    assert ask_as_json(model) == (
        0,
        {
            "text": "It is 42.",
            "finish": "stop",
            "tools": tools,
            "usage": {"input_tokens": 22, "output_tokens": 14},
            "error": None,
        },
    )
    model.replies.append(Text(("Once",), finish="length"))
    assert ask_as_json(model)[0] == 3
    model.replies.append(Failure(401, "invalid_api_key", "Incorrect API key provided."))
    code, answer = ask_as_json(model)
    assert (code, answer["error"]["code"], answer["text"]) == (1, "provider_refused", "")
    model.replies.extend([Failure(429, "rate_limit_exceeded", "Rate limit reached.")] * 2)
    assert ask_as_json(model)[0] == 4


def test_no_program_needs_a_network(tmp_path: Path) -> None:
    """In a network of its own, which has nothing but loopback, the agent starts, serves and answers."""
    bubblewrap = sandbox.bubblewrap_path()
    if bubblewrap is None:
        absent("bubblewrap is not installed, which makes a network without a network")
    alone = [bubblewrap, "--unshare-net", "--dev-bind", "/", "/"]
    probe = subprocess.run([*alone, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        absent(f"this machine makes no networks for its users: {probe.stderr}")
    script = tmp_path / "alone.py"
    script.write_text(
        "import pathlib, subprocess, sys, socket\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "import httpx\n"
        "from tests.drivers import agent_programs as programs\n"
        "from tests.standins.openai import OpenAIStandIn\n"
        "interfaces = [name for _, name in socket.if_nameindex()]\n"
        "assert interfaces == ['lo'], interfaces\n"
        f"programs.compiled = lambda name, **_: pathlib.Path({str(compiled('standalone').parent)!r}) / name\n"
        "with OpenAIStandIn() as model, programs.serving(model) as server:\n"
        "    answer = httpx.post(server.url + '/v1/responses', json={'input': 'Alone?'}, trust_env=False)\n"
        "    assert 'You said: Alone?' in answer.text, answer.text\n"
        "    assert httpx.get(server.url + '/healthz', trust_env=False).status_code == 200\n"
        "away = {'OPENAI_API_KEY': 'x', 'OPENAI_BASE_URL': 'http://192.0.2.1:9/v1'}\n"
        "command = [str(programs.compiled('standalone')), '--message', 'Hello', '--json']\n"
        "assert subprocess.run(command, env=away, capture_output=True, timeout=60).returncode == 4\n"
    )
    ran = subprocess.run(
        [*alone, sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
