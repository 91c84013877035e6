"""Every page is valid HTML by the Nu HTML checker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from tests.drivers import html_checker
from tests.test_access_matrix import MATRIX, Hers, hers, text

__all__ = ["hers"]
PUBLIC = ("/", "/sign-in/", "/sign-up/", "/accounts/recovery/", "/nothing-lives-here/")

pytestmark = pytest.mark.django_db


def pages_of(client: Client, paths: list[str], who: str) -> dict[str, str]:
    """Return the pages at these addresses; a piece of a page has no frame of its own."""
    answers = {path: client.get(path) for path in paths}
    pages = {
        f"{path} ({who})": text(answer)
        for path, answer in answers.items()
        if answer.get("Content-Type", "").startswith("text/html")
    }
    for answer in answers.values():
        answer.close()
    return {name: page for name, page in pages.items() if "<html" in page}


def test_every_page_is_valid(
    alice: User, hers: Hers, client: Client, client_of: Callable[[User], Client], tmp_path: Path
) -> None:
    rows = [(name, row) for name, row in MATRIX.items() if row.method == "GET" and not row.supabase]
    paths = [
        reverse(name, kwargs={key: getattr(hers, value, value) for key, value in row.args.items()})
        for name, row in rows
    ]
    pages = pages_of(client_of(alice), paths, "alice") | pages_of(client, list(PUBLIC), "signed out")
    # Forms with errors, too.
    wrong = client_of(alice).post(f"/agents/{hers.agent}/identity/", {"name": "", "handle": "No!"})
    pages["identity with errors"] = text(wrong)
    assert len(pages) > 35
    found = html_checker.problems(pages, tmp_path)
    assert found == [], "\n".join(found)
