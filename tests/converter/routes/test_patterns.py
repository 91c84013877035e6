from __future__ import annotations

from itertools import permutations

import pytest

from converter.routes.patterns import Pattern, parse_segment

ROWS = [
    ("api/users", "/api/users", "", ["/api/users"]),
    ("api/users/[id]", "/api/users/:id", "/:id", ["/api/users/:id"]),
    ("[a]/x/[...rest]", "/:a/x/*", "/:a/:splat", ["/:a/x/*"]),
    ("tree/[[...path]]", "/tree/*", "/:splat", ["/tree", "/tree/*"]),
    ("[[...path]]", "/*", "/:splat", ["/", "/*"]),
    ("posts/[post-id]", "/posts/:p1", "/:p1", ["/posts/:p1"]),
    ("", "/", "", ["/"]),
]


def pattern(text: str) -> Pattern:
    segments = [parse_segment(part) for part in text.split("/") if part]
    assert all(segments)
    return Pattern(tuple(part for part in segments if part))


@pytest.mark.parametrize(("text", "redirect", "arguments", "paths"), ROWS)
def test_netlifys_notation(text: str, redirect: str, arguments: str, paths: list[str]) -> None:
    parsed = pattern(text)
    assert (parsed.for_redirects(), parsed.arguments(), parsed.for_functions()) == (
        redirect,
        arguments,
        paths,
    )
    assert str(parsed) == f"/{text}"


def test_the_most_specific_route_comes_first() -> None:
    urls = ["api/a", "api/a/b", "api/a/[id]", "api/[x]/b", "api/[x]", "api/[...r]", "[t]/a", "[[...all]]"]
    for shuffled in list(permutations(urls))[::997]:
        ordered = sorted(map(pattern, shuffled), key=lambda parsed: parsed.order)
        rank = [str(parsed)[1:] for parsed in ordered]
        for exact, loose in [("api/a", "api/[x]"), ("api/a/b", "api/a/[id]"), ("api/a/[id]", "api/[x]/b")]:
            assert rank.index(exact) < rank.index(loose)
        assert rank.index("api/[x]") < rank.index("api/[...r]") < rank.index("[t]/a")
        assert rank[-1] == "[[...all]]"


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        ("a/[id]", "a/b", True),
        ("a/[id]", "a", False),
        ("a/[[...r]]", "a", True),
        ("a/[...r]", "a", False),
        ("a/[...r]", "[x]/y/z", True),
        ("a/b", "a/c", False),
    ],
)
def test_overlaps(left: str, right: str, both: bool) -> None:
    assert pattern(left).overlaps(pattern(right)) is pattern(right).overlaps(pattern(left)) is both


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("params/[a]", "[user]/[...rest]", ("/params/:a", "/params/:a")),
        ("params/[a]", "[user]/me", ("/params/me", "/params")),
        ("params/[a]", "params/[a]", ("/params/:a", "/:a")),
        ("params/[a]", "params/[a]/[[...all]]", ("/params/:a", "/:a")),
        ("params/[a]", "params/[a]/[...all]", None),
        ("params/[a]", "[[...all]]", ("/params/:a", "/params/:a")),
        ("params/[a]", "other/[a]", None),
        ("params/[a]", "params", None),
        ("", "[[...all]]", ("/", "")),
    ],
)
def test_intersection(left: str, right: str, expected: tuple[str, str] | None) -> None:
    assert pattern(left).intersection(pattern(right)) == expected


@pytest.mark.parametrize("name", ["", "[]", "[a", "a]", "[...]", "[[a]]", "a*", "a?b"])
def test_invalid_segments(name: str) -> None:
    assert parse_segment(name) is None
