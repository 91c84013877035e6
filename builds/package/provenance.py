"""The provenance of a package: an in-toto statement with SLSA provenance, and a CycloneDX SBOM.

Neither contains a time, a serial number, a build or a person: the same inputs give the same bytes, and users
with the same inputs share cached files. The build's row records who built it, when and where.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

from builds.compiler.inputs import Inputs

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:agentforge:build:1"
BUILDER = "urn:agentforge:forge"


class HashedFile(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...


def statement(inputs: Inputs, files: Iterable[HashedFile]) -> bytes:
    """Return the in-toto statement (v1) about a package's files, with SLSA provenance (v1)."""
    content = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": file.name, "digest": {"sha256": file.sha256}} for file in files],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"revision": inputs.revision_sha256, "target": inputs.target},
                "internalParameters": {"input": inputs.digest, "toolchain": inputs.toolchain.describe()},
                "resolvedDependencies": [
                    {"name": "agent.json", "digest": {"sha256": inputs.revision_sha256}},
                    {"name": "agent sources", "digest": {"sha256": inputs.sources_sha256}},
                    {"name": "go", "uri": f"pkg:golang/toolchain@{inputs.toolchain.go}"},
                ],
            },
            "runDetails": {"builder": {"id": BUILDER}},
        },
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sbom(inputs: Inputs, binaries: Iterable[HashedFile]) -> bytes:
    """Return the SBOM of a package's programs in CycloneDX 1.6."""
    # Imported here: only a build needs these, which are several megabytes.
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import LicenseExpression
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    agent = Component(
        name=str(inputs.manifest["handle"]) or "agent",
        version=str(inputs.manifest["version"]),
        type=ComponentType.APPLICATION,
        bom_ref="agent",
    )
    library = Component(
        name="std",
        version=inputs.toolchain.go.removeprefix("go"),
        type=ComponentType.LIBRARY,
        bom_ref="std",
        description="Go's runtime and standard library",
        purl=PackageURL("golang", None, "std", inputs.toolchain.go.removeprefix("go")),
        licenses=[LicenseExpression("BSD-3-Clause")],
    )
    sources = Component(
        name="agent sources",
        version=inputs.sources_sha256,
        type=ComponentType.LIBRARY,
        bom_ref="sources",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=inputs.sources_sha256)],
    )
    files = [
        Component(
            name=file.name,
            type=ComponentType.FILE,
            bom_ref=f"file:{file.name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)],
        )
        for file in binaries
    ]
    bom = Bom(components=[library, sources, *files])
    bom.metadata.component = agent
    bom.register_dependency(agent, [library, sources])
    for file in files:
        bom.register_dependency(file, [library, sources])
    return _reproducible(JsonV1Dot6(bom).output_as_string())


def _reproducible(text: str) -> bytes:
    """Remove the serial number and the timestamp."""
    content: dict[str, Any] = json.loads(text)
    content.pop("serialNumber", None)
    content["metadata"].pop("timestamp", None)
    return (json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
