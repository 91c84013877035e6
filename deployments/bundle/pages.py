"""A site's pages and their assets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from builds.models import Artifact
from deployments.models import Site

_ASSETS = Path(__file__).parent / "assets"
GREETING = "Ask {name} something."


def render(site: Site, document: dict[str, Any], downloads: list[Artifact]) -> dict[str, str]:
    """Return pages and assets: path → text."""
    identity = document.get("identity", document)
    name = str(identity["name"])
    context = {
        "name": name,
        "description": str(identity.get("description") or ""),
        "greeting": site.greeting or GREETING.format(name=name),
        "access": site.access,
        "takes_images": document.get("capabilities", {}).get("images", False),
        "downloads": downloads,
    }
    texts = {"index.html": render_to_string("deployments/site/index.html", context)}
    if downloads:
        texts["download.html"] = render_to_string("deployments/site/download.html", context)
    return texts | {path.name: path.read_text() for path in sorted(_ASSETS.iterdir())}
