"""The stored texts of an agent's files, for compilers and answers."""

from __future__ import annotations

import json

from configs.models import KnowledgeBlob


def texts_of(agent_pk: int, document: str) -> dict[str, bytes]:
    """Return the texts that a configuration of this agent names, by sha256; those of other agents never."""
    return _stored(agent_pk, _named_in(document))


def text_of(agent_pk: int, document: str, sha256: str) -> bytes | None:
    """Return one text that a configuration of this agent names, or None if it names or has no such text."""
    return _stored(agent_pk, _named_in(document) & {sha256}).get(sha256)


def _named_in(document: str) -> set[str]:
    return {file["text"] for file in json.loads(document).get("knowledge", {}).get("files", [])}


def _stored(agent_pk: int, hashes: set[str]) -> dict[str, bytes]:
    if not hashes:
        return {}
    blobs = KnowledgeBlob.objects.filter(agent_id=agent_pk, sha256__in=hashes)
    return {blob.sha256: bytes(blob.content) for blob in blobs}
