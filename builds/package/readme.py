"""Write the texts that accompany a compiled agent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builds.compiler.inputs import Inputs
from builds.compiler.targets import EXECUTABLE_KIND, FUNCTION_KIND
from configs.tools.catalogue import CATALOGUE
from configs.tools.services import LOCAL, services_of

_GO_LICENSE = Path(__file__).parent / "licenses" / "GO-LICENSE"
_PLUGIN = """\
`{program}` is the agent, and `agentforge-host` runs it. They need {system} with glibc, but neither Go nor
Python. `manifest.json` describes how they were built and what any host must share.

Check the files, then talk to the agent, ask it once, or serve it:

```sh
sha256sum -c SHA256SUMS && chmod +x agentforge-host
./agentforge-host {program}
./agentforge-host --message "What can you do?" {program}
./agentforge-host --serve 127.0.0.1:8080 {program}
```

`./agentforge-host verify --key FORGE.pub {program}` checks the forge's signature with its public key,
without running the agent.
"""
_EXECUTABLE = """\
`{program}` is the agent, one self-contained file for {system}. `manifest.json` describes how it was built.

Check the files, then talk to the agent, ask it once, or serve it:

```sh
sha256sum -c SHA256SUMS && chmod +x {program}
./{program}
./{program} --message "What can you do?"
./{program} --serve 127.0.0.1:8080
```
"""
_FUNCTION = """\
`{program}` is the agent as a serverless function for {system}: a custom AWS Lambda runtime, which Netlify
uses for Go functions. `manifest.json` describes how it was built.

Pack it and a file `netlify-toolchain` with the content `{{"runtime":"go"}}` into a zip, and deploy the zip as
a function. It answers `POST /chat`, and `POST /v1/chat/completions` for OpenAI clients.
"""
_TEXTS = {FUNCTION_KIND: _FUNCTION, EXECUTABLE_KIND: _EXECUTABLE}


def readme(inputs: Inputs, program: str) -> str:
    """Return the README, which explains how to run a target's program."""
    title = program.rpartition(".")[0] or program
    system = f"{inputs.spec.goos}/{inputs.spec.goarch}"
    text = _TEXTS.get(inputs.spec.kind, _PLUGIN).format(program=program, system=system)
    provider = json.loads(inputs.document)["provider"]
    lines = [f"# {title}", "", text]
    if provider["key_env"]:
        lines += [f"The files do not contain the API key. Set it first: `export {provider['key_env']}=…`", ""]
    if provider.get("base_url_env"):
        lines += [f"`{provider['base_url_env']}` overrides the address of the provider's service.", ""]
    if fallback := json.loads(inputs.document).get("fallback"):
        text = f"If the provider fails, {fallback['model']} of {fallback['code']} answers"
        key = f"; its key is in `{fallback['key_env']}`" if fallback["key_env"] else ""
        lines += [f"{text}{key}.", ""]
    if variables := list(_variables_of_tools(json.loads(inputs.document)["capabilities"])):
        lines += ["Its tools read these variables:", "", *variables, ""]
    return "\n".join(lines)


def _variables_of_tools(capabilities: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line of a list for each variable that the chosen tools read."""
    tools, settings = capabilities.get("tools", []), capabilities.get("tool_settings", {})
    services = services_of(settings)
    for service in services:
        if service.key_env:
            yield f"- `{service.key_env}`: the key for {service.host}"
        for name in service.env:
            yield f"- `{name}`: for the program `{service.command[0]}`"
    keeping = [
        tool
        for tool in tools
        if tool in CATALOGUE
        and any(each.name == "directory" for each in CATALOGUE[tool].settings)
        and not settings.get(tool, {}).get("directory")
    ]
    if keeping:
        yield f"- `AGENT_DATA_DIR`: the directory of {' and '.join(keeping)}, which do nothing without it"
    if "fetch" in tools or any(service.tool != LOCAL for service in services):
        yield "- `AGENT_PRIVATE_HOSTS`: hosts, separated by commas, whose addresses may be private"


def licenses() -> str:
    """Return the licences of the compiled-in code."""
    parts = "The programs contain parts of the Go runtime and standard library, under this licence:"
    return f"{parts}\n\n{_GO_LICENSE.read_text()}"
