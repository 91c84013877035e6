from __future__ import annotations

from typing import Any

from .models import Build
from .reports import duration


def build_json(build: Build) -> dict[str, Any]:
    """Return what scripts learn of a build."""
    took = duration(build)
    return {
        "id": build.pk,
        "url": build.get_absolute_url(),
        "agent": build.revision.agent_id,
        "revision": build.revision.number,
        "revision_sha256": build.revision.sha256,
        "target": build.target,
        "status": build.status,
        "from_cache": build.from_cache,
        "sandbox": build.sandbox,
        "error": build.error,
        "exit_code": build.exit_code,
        "attempts": build.attempts,
        "created_at": build.created_at,
        "started_at": build.started_at,
        "finished_at": build.finished_at,
        "seconds": took.total_seconds() if took is not None else None,
        "channel": build.stream_name,
        "files": {file.name: {"sha256": file.sha256, "size": file.size} for file in build.artifacts.all()},
    }
