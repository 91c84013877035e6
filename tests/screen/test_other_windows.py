"""A page that is open says what another window did: also where it had nothing to show before."""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from builds.models import Build, BuildStatus, BuildTarget
from builds.services import enqueue_build
from configs import trash
from configs.conflicts import Basis
from configs.models import AgentConfig
from configs.services import duplicate_agent, save_draft
from deployments.sites import lifecycle
from tests.deployments.finished_builds import ELF, add_files, build_of

from .conftest import Windows
from .test_states import finish


def test_pages_that_were_empty_show_what_another_window_made(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    at = f"/agents/{agent.pk}"
    build_tab, builds, history = window(f"{at}/builds/"), window("/builds/"), window(f"{at}/revisions/")
    trial, deploy, deployments = window(f"{at}/try/"), window(f"{at}/deploy/"), window("/deployments/")
    expect(trial.get_by_role("heading", name="Nothing to try yet")).to_be_visible()
    for page in (build_tab, builds, history, trial, deploy, deployments):
        expect(page.locator("body")).to_have_attribute("data-link", "open")
    build = enqueue_build(agent, by=alice)
    for page in (build_tab, builds):
        expect(page.get_by_role("row", name=f"Build {build.pk}")).to_contain_text("Queued")
    expect(history.get_by_role("link", name="Revision 1")).to_be_visible()
    finish(build)
    for page in (build_tab, builds):
        expect(page.get_by_role("row", name=f"Build {build.pk}")).to_contain_text("Succeeded")
    trial.get_by_label("Message").fill("Who are you?")
    trial.get_by_role("button", name="Send").click()
    expect(trial.locator(".chat-message[data-role=user]")).to_contain_text("Who are you?")
    expect(trial).to_have_url(re.compile(r"\?conversation=\d+$"))
    site = lifecycle.create_site(agent, "ada-site", "", alice, host="self-hosted")
    expect(deploy.get_by_role("heading", name="Site")).to_be_visible()
    expect(deploy.get_by_text("shows nothing yet")).to_be_visible()
    lifecycle.delete_site(site, alice)
    expect(deploy.get_by_role("button", name="Create the directory")).to_be_visible()


def test_the_trash_shows_what_another_window_did(window: Windows, agent: AgentConfig, alice: User) -> None:
    page = window("/trash/")
    row = page.get_by_role("row", name=agent.name)
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    trash.move_to_trash(agent, alice)
    expect(row).to_be_visible()
    trash.restore(agent, alice)
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    trash.move_to_trash(agent, alice)
    expect(row).to_be_visible()
    trash.delete_now(agent)
    expect(row).to_have_count(0)


def test_a_chat_that_came_back_keeps_its_messages(window: Windows, agent: AgentConfig, alice: User) -> None:
    page = window(f"/agents/{agent.pk}/try/")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    first = enqueue_build(agent, by=alice)
    finish(first)
    expect(page.get_by_label("Message")).to_be_visible()
    Build.objects.filter(pk=first.pk).update(status=BuildStatus.CANCELLED)
    second = enqueue_build(agent, by=alice)
    expect(page.get_by_role("heading", name="Nothing to try yet")).to_be_visible()
    finish(second)
    page.get_by_label("Message").fill("Who are you?")
    page.get_by_role("button", name="Send").click()
    question = page.locator(".chat-message[data-role=user]")
    expect(question).to_have_count(1)
    save_draft(agent, {"name": "Grace"}, Basis())
    expect(page.get_by_role("heading", level=1)).to_contain_text("Grace")
    expect(question).to_have_count(1)


def test_the_build_tab_says_what_another_window_changed(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    finish(enqueue_build(agent, by=alice))
    page = window(f"/agents/{agent.pk}/builds/")
    expect(page.locator(".frame-preview")).to_contain_text("How it is built")
    save_draft(agent, {"name": "Grace"}, Basis())
    expect(page.locator(".frame-preview")).to_contain_text("Changed since build")
    expect(page.locator(".frame-preview ins")).to_have_text("Grace")


def test_the_preview_follows_what_another_window_saves(window: Windows, agent: AgentConfig) -> None:
    at = f"/agents/{agent.pk}"
    pages = [window(f"{at}/{path}/") for path in ("capabilities", "identity", "draft", "revisions", "keys")]
    pages[1].get_by_label("Name").fill("Grace")
    for page in pages:
        expect(page.locator("body")).to_have_attribute("data-link", "open")
    save_draft(agent, {"custom_instructions": "Always answer in French."}, Basis())
    for page in pages:
        expect(page.locator("[data-prompt]")).to_contain_text("Always answer in French.")
    # The form in front of somebody goes before what is saved.
    expect(pages[1].locator("[data-prompt]")).to_contain_text("You are Grace.")


def test_what_was_chosen_stays_when_a_part_is_renewed(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    lifecycle.create_site(agent, "ada-site", "", alice, host="self-hosted")
    page = window(f"/agents/{agent.pk}/deploy/")
    plan = page.locator("[data-part=plan]")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    arm = plan.get_by_role("checkbox", name=re.compile("ARM64"))
    arm.check()
    plan.get_by_label("As a draft").check()
    with page.expect_response(lambda response: "x-parts" in response.request.headers):
        save_draft(agent, {"name": "Grace"}, Basis())
    expect(page.get_by_role("heading", level=1)).to_contain_text("Grace")
    expect(arm).to_be_checked()
    expect(plan.get_by_label("As a draft")).to_be_checked()


def test_a_choice_stays_in_its_form_when_a_part_is_renewed(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    lifecycle.create_site(agent, "ada-site", "", alice, host="self-hosted")
    add_files(build_of(agent, alice), {"agent": ELF}, "linux-amd64")
    page = window(f"/agents/{agent.pk}/deploy/")
    plan = page.locator("[data-part=plan]")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    plan.get_by_text("Compile the draft and deploy it").click()
    as_draft = plan.get_by_label("As a draft")
    expect(as_draft).to_have_count(2)
    as_draft.last.check()
    save_draft(agent, {"name": "Grace"}, Basis())
    expect(page.get_by_role("heading", level=1)).to_contain_text("Grace")
    expect(as_draft.first).not_to_be_checked()
    expect(as_draft.last).to_be_checked()


def test_the_activity_grows_in_front_of_its_reader(window: Windows, alice: User) -> None:
    page = window("/activity/")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    record(Action.AGENT_DELETED, owner=alice, subject=alice)
    expect(page.get_by_role("row").nth(1)).to_contain_text("Agent deleted")


def test_the_usual_time_of_a_target_is_that_of_the_newest_build(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    sibling = duplicate_agent(agent)
    lifecycle.create_site(sibling, "ada-site", "", alice, host="self-hosted")
    pages = [window(f"/agents/{sibling.pk}/{tab}/") for tab in ("builds", "deploy")]
    for page in pages:
        expect(page.locator("body")).to_have_attribute("data-link", "open")
    chosen = pages[0].locator("[name=targets][value=linux-arm64]")
    chosen.check()
    now = timezone.now()
    build = enqueue_build(agent, alice, ["linux-amd64"])
    BuildTarget.objects.filter(build=build).update(started_at=now, finished_at=now + timedelta(seconds=12))
    finish(build)
    for page in pages:
        expect(page.get_by_text(re.compile(r"usually 12(\.0)? s")).first).to_be_attached()
    expect(chosen).to_be_checked()
