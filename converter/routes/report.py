"""Report a conversion on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from converter.problems import Severity

from .model import Conversion


def report_lines(conversion: Conversion) -> Iterator[str]:
    """Yield the routes with their functions, the diagnostics, and a summary."""
    for route in conversion.routes:
        methods = ", ".join(route.methods) or "any method"
        target = route.name if route.converted else "NOT CONVERTED"
        yield f"{route.url}  {methods}  {route.file} -> {target}"
    if conversion.problems:
        yield ""
    for problem in conversion.problems:
        yield from problem.report_lines()
    yield ""
    converted = [route for route in conversion.routes if route.converted]
    errors = sum(problem.severity == Severity.ERROR for problem in conversion.problems)
    remaining = f", {errors} problem{'s' * (errors != 1)} to solve by hand" if errors else ""
    yield (
        f"{len(converted)} of {len(conversion.routes)} routes converted into {len(conversion.files)} files"
        f"{remaining}."
    )
    if protected := [str(route.url) for route in converted if route.protected]:
        yield f"Require a user of the Supabase project: {', '.join(protected)}."
    if names := sorted({name for route in converted for name in route.environment}):
        yield f"Environment variables to set on the site: {', '.join(names)}."
