"""Write the texts that accompany a compiled agent."""

from __future__ import annotations

import json
from pathlib import Path

from builds.compiler.inputs import Inputs
from builds.compiler.targets import EXECUTABLE_KIND, FUNCTION_KIND

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
    return "\n".join(lines)


def licenses() -> str:
    """Return the licences of the compiled-in code."""
    parts = "The programs contain parts of the Go runtime and standard library, under this licence:"
    return f"{parts}\n\n{_GO_LICENSE.read_text()}"
