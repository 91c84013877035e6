"""Write the texts that accompany a compiled agent."""

from __future__ import annotations

import json
from pathlib import Path

from builds.compiler.inputs import Inputs
from builds.compiler.targets import EXECUTABLE_KIND, FUNCTION_KIND

_GO_LICENSE = Path(__file__).parent / "licenses" / "GO-LICENSE"
_PLUGIN = """\
`{program}` is the agent, `agentforge-host` runs it. They need {system} with glibc,
and neither Go nor Python. `manifest.json` says how they were made and what any host must share.

Check the files, then talk to the agent, ask it once, or serve it:

```sh
sha256sum -c SHA256SUMS && chmod +x agentforge-host
./agentforge-host {program}
./agentforge-host --message "What can you do?" {program}
./agentforge-host --serve 127.0.0.1:8080 {program}
```

`./agentforge-host verify --key FORGE.pub {program}` checks, without running it, that the forge
whose public key that is signed for it.
"""
_EXECUTABLE = """\
`{program}` is the agent, one file for {system} that needs nothing else. `manifest.json` says how it was made.

Check the files, then talk to the agent, ask it once, or serve it:

```sh
sha256sum -c SHA256SUMS && chmod +x {program}
./{program}
./{program} --message "What can you do?"
./{program} --serve 127.0.0.1:8080
```
"""
_FUNCTION = """\
`{program}` is the agent as a serverless function for {system}: a custom runtime of AWS Lambda, as Netlify
runs Go functions. `manifest.json` says how it was made.

Pack it and the file `netlify-toolchain` with the content `{{"runtime":"go"}}` into a zip, and deploy that as
a function. It answers `POST /chat`, and `POST /v1/chat/completions` for OpenAI clients.
"""
_TEXTS = {FUNCTION_KIND: _FUNCTION, EXECUTABLE_KIND: _EXECUTABLE}


def readme(inputs: Inputs, program: str) -> str:
    """Say how to run what a target compiled."""
    title = program.rpartition(".")[0] or program
    system = f"{inputs.spec.goos}/{inputs.spec.goarch}"
    text = _TEXTS.get(inputs.spec.kind, _PLUGIN).format(program=program, system=system)
    provider = json.loads(inputs.document)["provider"]
    lines = [f"# {title}", "", text]
    if provider["key_env"]:
        lines += [f"The key is not in the files. Set it before: `export {provider['key_env']}=…`", ""]
    if provider.get("base_url_env"):
        lines += [f"`{provider['base_url_env']}` names another address of the provider's service.", ""]
    return "\n".join(lines)


def licenses() -> str:
    """Return the licences of what is compiled in."""
    parts = "The programs contain parts of the Go runtime and standard library, under this licence:"
    return f"{parts}\n\n{_GO_LICENSE.read_text()}"
