"""The JSON representations of builds, targets, verifications and evaluations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .compiler import targets
from .compiler.inputs import step_names
from .evaluation import results
from .models import Build, BuildTarget, BuildVerification, EvaluationRun
from .queue.position import Place, places
from .reports import duration


def builds_json(builds: Iterable[Build]) -> list[dict[str, Any]]:
    rows = list(builds)
    place_of = places(rows)
    return [_json(build, place_of.get(build.pk)) for build in rows]


def build_json(build: Build) -> dict[str, Any]:
    return builds_json([build])[0]


def _json(build: Build, place: Place | None) -> dict[str, Any]:
    took = duration(build)
    return {
        "id": build.pk,
        "url": build.get_absolute_url(),
        "agent": build.revision.agent_id,
        "revision": build.revision.number,
        "revision_sha256": build.revision.sha256,
        "status": build.status,
        "from_cache": build.from_cache,
        "targets": [target_json(row) for row in build.per_target.all()],
        "error": build.error,
        "attempts": build.attempts,
        "queue": place.as_json() if place is not None else None,
        "created_at": build.created_at,
        "started_at": build.started_at,
        "finished_at": build.finished_at,
        "seconds": took.total_seconds() if took is not None else None,
        "channel": build.stream_name,
        "pinned": build.pinned,
        "expires_at": build.expires_at,
        "expired_at": build.expired_at,
        "files": {file.path: {"sha256": file.sha256, "size": file.size} for file in build.artifacts.all()},
    }


def target_json(row: BuildTarget) -> dict[str, Any]:
    took = duration(row)
    names = (
        *("target", "status", "from_cache", "builder", "builder_reason", "sandbox", "toolchain"),
        *("error", "exit_code", "input_digest", "started_at", "finished_at"),
    )
    seconds = took.total_seconds() if took is not None else None
    facts = {name: getattr(row, name) for name in names}
    return {**facts, "steps": step_names(targets.get(row.target)), "seconds": seconds}


def verification_json(row: BuildVerification) -> dict[str, Any]:
    names = ("id", "status", "findings", "created_at", "finished_at")
    return {**{name: getattr(row, name) for name in names}, "channel": row.stream_name}


def evaluation_run_json(run: EvaluationRun) -> dict[str, Any]:
    names = ("id", "subject", "status", "trials", "error", "replayed", "created_at", "finished_at")
    # Runs of older forges lack what is known of trials by now.
    found = results.stored(results.loaded(run.results))
    facts = {name: getattr(run, name) for name in names}
    return {**facts, "results": found, "is_recorded": run.recording_size > 0, "url": run.get_absolute_url()}
