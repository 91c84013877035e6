"""Say what a conversion did, for people."""

from __future__ import annotations

from collections.abc import Iterator

from converter.problems import Problem, Severity

from .model import Conversion, Route


def lines_of(conversion: Conversion) -> Iterator[str]:
    """Yield the report: the routes with their functions, then the diagnostics, then the sums."""
    for route in conversion.routes:
        methods = ", ".join(route.methods) or "any method"
        target = route.name if route.converted else "NOT CONVERTED"
        yield f"{route.url}  {methods}  {route.file} -> {target}"
    if conversion.problems:
        yield ""
    for problem in conversion.problems:
        yield from lines_about(problem)
    yield ""
    yield _sums(conversion)
    names = sorted({name for route in conversion.routes if route.converted for name in route.environment})
    if protected := [str(r.url) for r in conversion.routes if r.converted and r.protected]:
        yield f"Only users of the Supabase project are answered by {', '.join(protected)}."
    if names:
        yield f"Environment variables to set on the site: {', '.join(names)}."


def lines_about(problem: Problem) -> Iterator[str]:
    """Yield a diagnostic, and what to write by hand."""
    yield str(problem)
    if problem.by_hand:
        yield f"    {'by hand' if problem.severity == Severity.ERROR else 'hint'}: {problem.by_hand}"


def _sums(conversion: Conversion) -> str:
    done: list[Route] = [route for route in conversion.routes if route.converted]
    errors = sum(problem.severity == Severity.ERROR for problem in conversion.problems)
    left = f", {errors} problem{'s' * (errors != 1)} to solve by hand" if errors else ""
    return (
        f"{len(done)} of {len(conversion.routes)} routes converted into {len(conversion.files)} files{left}."
    )
