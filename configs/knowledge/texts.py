"""The stored texts of an agent's files, for compilers and answers."""

from __future__ import annotations

import json

from configs.models import KnowledgeBlob


def texts_of(agent_pk: int, document: str) -> dict[str, bytes]:
    """Return the texts that a configuration of this agent names, by sha256; those of other agents never."""
    files = json.loads(document).get("knowledge", {}).get("files", [])
    if not files:
        return {}
    blobs = KnowledgeBlob.objects.filter(agent_id=agent_pk, sha256__in=[file["text"] for file in files])
    return {blob.sha256: bytes(blob.content) for blob in blobs}
