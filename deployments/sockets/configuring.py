"""Write what Netlify has to know: where the functions are, and which variables they read, by name."""

from __future__ import annotations

from deployments.routes.layout import FUNCTIONS


def toml_for(environment: list[str]) -> str:
    """Return the generated part of netlify.toml; functions name their own addresses."""
    lines = ["[functions]", f'  directory = "{FUNCTIONS}"', '  node_bundler = "esbuild"']
    if environment:
        lines += [
            "",
            "# Environment variables that the functions read:",
            *(f"#   {name}" for name in environment),
        ]
    return "\n".join(lines) + "\n"
