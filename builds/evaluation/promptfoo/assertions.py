"""Promptfoo's assertions under the names that they have here.

https://www.promptfoo.dev/docs/configuration/expected-outputs/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from builds.evaluation.assertions import NOT, RUBRIC, problem_of

from .rendering import NotTranslatable, as_text, rendered

# Of an assertion: those that only say how results are shown or added up.
_WITHOUT_EFFECT = {"metric", "weight"}
_READ = {"type", "value", "threshold", *_WITHOUT_EFFECT}
_TEXTS = {RUBRIC, "equals", "contains", "icontains", "starts-with", "regex"}
_LISTS = {"contains-any", "contains-all", "icontains-any", "icontains-all"}
_FINISHES = {"stop", "length"}
_TRAJECTORY = "trajectory:"


def translate(
    entry: Any, variables: Mapping[str, Any], *, has_judge: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what stands for an assertion of promptfoo's, and a note for each part that was left out.

    Raises NotTranslatable if nothing stands for it.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("type"), str):
        raise NotTranslatable("this is not an assertion")
    negation, kind = _split(entry["type"])
    if further := sorted(str(name) for name in entry if name not in _READ):
        raise NotTranslatable(
            f"{entry['type']} has {', '.join(further)[:100]}, which would change what it says"
        )
    if kind == RUBRIC and not has_judge:
        raise NotTranslatable("defaultTest.options.provider names no judge that is known here")
    if kind == RUBRIC and "threshold" in entry:
        raise NotTranslatable("a judge says here whether a rubric holds, and no score")
    if entry.get("weight") == 0:
        raise NotTranslatable(f"{entry['type']} counts for nothing there")
    notes = [f"its {name} was left out" for name in sorted(_WITHOUT_EFFECT & set(entry))]
    value = rendered(entry.get("value"), variables)
    if kind == "is-json" and value is not None:
        notes.append("its schema was left out: only that the answer is JSON is checked")
    made = list(
        _of_trajectory(kind, value, negation)
        if kind.startswith(_TRAJECTORY)
        else _of_kind(kind, value, entry)
    )
    translated = [{negation + name: each} for name, each in made]
    for assertion in translated:
        [(name, each)] = assertion.items()
        if problem := problem_of(name, each):
            raise NotTranslatable(problem)
    return translated, notes


def _split(kind: str) -> tuple[str, str]:
    return (NOT, kind.removeprefix(NOT)) if kind.startswith(NOT) else ("", kind)


def _of_kind(kind: str, value: Any, entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if kind in ("latency", "cost"):
        yield kind, _threshold(kind, entry)
    elif kind == "is-json":
        yield kind, True
    elif kind == "finish-reason":
        if value not in _FINISHES:
            raise NotTranslatable(f"an answer never ends with “{as_text(value)[:60]}” here")
        yield kind, value
    elif kind in _TEXTS:
        if value is None or isinstance(value, dict | list):
            raise NotTranslatable(f"{kind} takes a text here")
        yield kind, as_text(value)
    elif kind in _LISTS:
        yield kind, _texts(value)
    else:
        raise _unknown(kind)


def _unknown(kind: str) -> NotTranslatable:
    return NotTranslatable(f"the assertion “{kind[:60]}” is not known here")


def _threshold(kind: str, entry: Mapping[str, Any]) -> float:
    threshold = entry.get("threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise NotTranslatable(f"{kind} has no threshold")
    # Milliseconds there, seconds here.
    return threshold / 1000 if kind == "latency" else threshold


def _texts(value: Any) -> list[str]:
    """Return a list of texts, which may be one text with commas."""
    values = value.split(",") if isinstance(value, str) else value
    return [as_text(each).strip() for each in values] if isinstance(values, list) else []


def _of_trajectory(kind: str, value: Any, negation: str) -> Iterator[tuple[str, Any]]:
    handler = _TRAJECTORIES.get(kind)
    if handler is None:
        raise _unknown(kind)
    yield from handler(value, negation)


def _tools_used(value: Any, negation: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("min", 1) != 1 or "max" in value:
            raise NotTranslatable("how often one tool is called can't be asked here")
        yield "tool-called", _tool(value)
    else:
        names = [_tool(each) for each in (value if isinstance(value, list) else [value])]
        # There, not-tool-used stands for none of them; here, for not all of them.
        for each in names if negation else [names]:
            yield "tool-called", each


def _arguments_match(value: Any, negation: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise NotTranslatable("this names no tool")
    if value.get("mode", "partial") != "partial" or value.get("defaults") or value.get("ignore"):
        raise NotTranslatable("only some of the arguments can be compared here: mode partial")
    arguments = value.get("args", value.get("arguments"))
    yield "tool-args-match", {"tool": _tool(value), "arguments": arguments}


def _sequence(value: Any, negation: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or value.get("mode") != "exact":
        raise NotTranslatable(
            "further calls between those of a sequence can't be allowed here: use mode exact"
        )
    steps = value.get("steps")
    tools = [_tool(each) for each in steps] if isinstance(steps, list) else []
    yield "tool-sequence", {"mode": "strict", "tools": tools}


def _step_count(value: Any, negation: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or set(value) != {"type", "max"} or value["type"] != "tool":
        raise NotTranslatable("only how many tools are called at most can be asked here")
    yield "tool-count-max", value["max"]


def _tool(value: Any) -> str:
    """Return the name of a tool: of a text, or of a matcher without a pattern."""
    name = (value.get("name") or value.get("pattern")) if isinstance(value, Mapping) else value
    if not isinstance(name, str) or not name:
        raise NotTranslatable("this names no tool")
    if set(name) & set("*?"):
        raise NotTranslatable(f"“{name[:60]}” is a pattern; a tool has one name here")
    return name


_TRAJECTORIES: dict[str, Callable[[Any, str], Iterator[tuple[str, Any]]]] = {
    "trajectory:tool-used": _tools_used,
    "trajectory:tool-args-match": _arguments_match,
    "trajectory:tool-sequence": _sequence,
    "trajectory:step-count": _step_count,
}
