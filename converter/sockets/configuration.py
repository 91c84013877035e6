"""Write what Netlify has to know besides the table of functions: the variables that they read, by name."""

from __future__ import annotations


def toml_for(environment: list[str]) -> str:
    """Return the generated part of netlify.toml; functions name their own addresses."""
    if not environment:
        return ""
    named = "".join(f"#   {name}\n" for name in environment)
    return f"# Environment variables that the functions read:\n{named}"
