"""Operators act on deployments; who only views does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts import roles
from agentforge.accounts.models import Role, User
from builds.models import Build
from deployments import services
from deployments.models import Site
from tests import people

pytestmark = pytest.mark.django_db(transaction=True)


def test_operators_cancel_and_viewers_do_not(
    site: Site, build: Build, alice: User, olga: User, client_of: Callable[[User], Client]
) -> None:
    deployment = services.enqueue(site, build, alice)
    vera = people.make_user("vera")
    roles.give(vera, Role.VIEWER)
    url = reverse("admin:deployments_deployment_changelist")
    chosen = {"action": "cancel", "_selected_action": [deployment.pk]}
    client_of(vera).post(url, chosen)
    deployment.refresh_from_db()
    assert deployment.status == "queued"
    page = client_of(olga).post(url, chosen, follow=True)
    assert "1 cancelled." in page.content.decode()
    deployment.refresh_from_db()
    assert deployment.status == "cancelled"
