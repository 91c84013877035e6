"""Compare what pages show with how things stand by their rows; each function yields what is untrue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builds.compiler import targets
from builds.compiler.inputs import step_names
from builds.models import Build, ChatMessage
from deployments.models import Deployment
from tests.drivers.html_tree import Element

from .rows import TABS, UNDER_WAY, Standing, is_unusable

DASH = "\N{EN DASH}"
_STATUS_ICONS = {"queued": "running", "running": "running", "succeeded": "done", "failed": "failed"}
_TABS_AND_STEPS = (*TABS, "builds", "try", "deploy")

Untruths = Iterator[str]


def differs(what: str, shown: object, true: object) -> Untruths:
    """Yield a sentence if what is shown is not what is true."""
    if shown != true:
        yield f"{what}: shows {shown!r}, by the rows {true!r}"


def header(page: Element, builds: int) -> Untruths:
    """The header of every page counts the unfinished builds."""
    work = page.first(data_part="work")
    shown = "" if "hidden" in work else work.text
    true = f"{builds} build{'' if builds == 1 else 's'} under way" if builds else ""
    yield from differs("header", shown, true)


def states_are_live(page: Element) -> Untruths:
    """Every state on a page lies in a part that is read again, or in the log or the rail, which follow."""
    for badge in page.all(cls="badge"):
        if "data-state" in badge and not (badge.is_inside("data-part") or badge.is_inside("data-log-part")):
            yield f"the state {badge.text!r} is in no part of the page that is read again"


def rail(page: Element, standing: Standing) -> Untruths:
    """The steps of an agent, on each of its pages."""
    shown = {item["data-tab"]: item for item in page.all(cls="rail-item")}
    yield from differs("rail", tuple(shown), _TABS_AND_STEPS)
    for name, true in {
        **standing.tabs,
        "builds": standing.build,
        "try": standing.trial,
        "deploy": standing.deploy,
    }.items():
        item = shown.get(name, Element("", {}))
        word = item.first(cls="rail-word").text
        if name == "builds":
            word = re.sub(r"(revision \d+), .*", r"\1", word)
        yield from differs(f"rail, {name}", (item["data-state"], word), true)
    words = page.first(cls="rail-outcome").text
    if not (standing.check == "Starting." and ("queue" in words or "moment" in words or "waits" in words)):
        yield from differs("rail, the check", words, standing.check)


def agent_page(page: Element, standing: Standing) -> Untruths:
    """The name, state, title and icon on a page of an agent."""
    heading = page.first("h1")
    badge = heading.first(cls="badge")
    yield from differs("heading", (badge["data-state"], badge.text), standing.badge)
    yield from differs("name", heading.first(cls="break").text, standing.agent.name)
    archived = any(each.text == "Archived" for each in heading.all(cls="badge"))
    yield from differs("archived", archived, standing.agent.archived_at is not None)
    says = f"{standing.badge[1]} {DASH} " if standing.icon in ("running", "failed") else ""
    title = page.first("title").text
    yield from differs("title", title.startswith(says) and (bool(says) or DASH not in title), True)
    yield from differs("icon", page.first(data_favicon=standing.icon)["data-favicon"], standing.icon)
    warning = page.first(data_part="trouble").text
    yield from differs("trouble", bool(warning), bool(is_unusable(standing.agent)))
    yield from _online(page.first(data_part="agent-header"), standing)


def _online(place: Element, standing: Standing) -> Untruths:
    text = place.text
    if standing.live is not None:
        says = f"Revision {standing.live.revision.number} is {standing.live_word}"
        yield from differs("online", says in text, True)
    elif standing.site is not None and standing.site.live_remote_id:
        yield from differs("online", "Changed elsewhere" in text, True)
    else:
        yield from differs("online", re.search(r"is live|ready to run", text), None)


def agent_rows(page: Element, standings: Mapping[int, Standing], *, archived: bool) -> Untruths:
    """The list of agents."""
    rows = {_number(row.first("a")["href"]): row for row in _table_rows(page.first(data_part="agents"))}
    shown = {pk: each for pk, each in standings.items() if (each.agent.archived_at is not None) == archived}
    yield from differs("list of agents", sorted(rows), sorted(shown))
    for pk, standing in shown.items():
        row = rows.get(pk, Element("", {}))
        badge = row.first(data_label="Status").first(cls="badge")
        yield from differs(f"list, agent {pk}", (badge["data-state"], badge.text), standing.badge)
        last = row.first(data_label="Last build").text
        newest = standing.newest
        true = f"Build {newest.pk} {newest.status}," if newest else ""
        yield from differs(f"list, last build of {pk}", last[: len(true)] if true else last, true)
        yield from _online(row.first(data_label="Online"), standing)


def try_page(page: Element, standing: Standing) -> Untruths:
    """Who answers in Try, and whether that is the draft."""
    answers, build = page.first(data_part="answers").text, standing.answering
    if build is None:
        yield from differs("try", "Nothing to try yet" in page.text, True)
        return
    says = f"Build {build.pk} answers, revision {build.revision.number}."
    yield from differs("try, who answers", says in answers, True)
    current = standing.is_current(build)
    yield from differs("try, the draft as it is", "It is your draft as it is now" in answers, current)
    yield from differs("try, changed", "has changed since" in answers, not current)


def build_tab(page: Element, standing: Standing) -> Untruths:
    """What the tab Build says of the draft."""
    text, newest = page.first(data_part="draft").text, standing.newest
    under_way = newest is not None and newest.status in UNDER_WAY
    if "be compiled yet" in text:
        if {state for state, _ in standing.tabs.values()} == {"valid"}:
            yield "the tab Build refuses a draft all of whose tabs are valid"
        return
    for build in Build.objects.filter(revision__agent=standing.agent):
        same = standing.is_current(build)
        if f"changed since build {build.pk}." in text and same:
            yield f"the tab Build says that the draft changed since build {build.pk}"
        if f"Nothing changed since build {build.pk};" in text and not same:
            yield f"the tab Build says that nothing changed since build {build.pk}"
    if under_way and newest is not None and standing.is_current(newest):
        yield from differs("tab Build, under way", f"Build {newest.pk} of revision" in text, True)


def build_rows(page: Element, builds: list[Build]) -> Untruths:
    """A list of builds."""
    part = page.first(data_part="builds")
    rows = {_number(row.first("a")["href"]): row for row in _table_rows(part)}
    yield from differs("list of builds", sorted(rows), sorted(build.pk for build in builds))
    for build in builds:
        cell = rows.get(build.pk, Element("", {})).first(data_label="Status")
        yield from differs(f"list, build {build.pk}", cell.first(cls="badge")["data-state"], build.status)
        cached = all(row.from_cache for row in build.per_target.all())
        yield from differs(f"list, cache of {build.pk}", "from the cache" in cell.text, cached)
        took = rows.get(build.pk, Element("", {})).first(data_label="Took").text
        yield from differs(f"list, time of {build.pk}", bool(took), build.status not in UNDER_WAY)


def build_page(page: Element, build: Build, standing: Standing) -> Untruths:
    """The page of a build: heading, summary, steps, log, targets, and what comes next."""
    badge = page.first("h1").first(cls="badge")
    yield from differs("heading", (badge["data-state"], badge.text.lower()), (build.status, build.status))
    title = page.first("title").text
    yield from differs(
        "title", title.startswith(f"{build.status.capitalize()} {DASH} Build {build.pk} "), True
    )
    icon = _STATUS_ICONS.get(build.status, "idle")
    yield from differs("icon", page.first(data_favicon=icon)["data-favicon"], icon)
    summary = page.first(data_part="summary").first("strong").text
    yield from differs("summary", summary, build.status.capitalize())
    yield from differs(
        "cancel", bool(page.all(action=f"/builds/{build.pk}/cancel/")), build.status in UNDER_WAY
    )
    yield from differs(
        "again", bool(page.all(action=f"/builds/{build.pk}/retry/")), build.status not in UNDER_WAY
    )
    files = {artifact.target for artifact in build.artifacts.all()}
    yield from differs(
        "next", "Next" in _headings(page), bool(files) and build.status in ("succeeded", "failed")
    )
    tries = [link for link in page.first(data_part="side").all("a") if link["href"].endswith("/try/")]
    yield from differs("try it", bool(tries), "plugin" in files and build.status != "cancelled")
    yield from _steps(page, build)
    yield from _targets(page, build)
    yield from _verification(page, build)


def _verification(page: Element, build: Build) -> Untruths:
    newest = build.verifications.first()
    shown = page.first(id="verification")
    offered = bool(page.all(action=f"/builds/{build.pk}/verify/"))
    if build.status in UNDER_WAY or not build.artifacts.exists():
        yield from differs("verification", (shown.text, offered), ("", False))
        return
    word = newest.get_status_display() if newest else ""
    yield from differs("verification", shown.first(cls="badge").text, word)
    is_open = newest is not None and newest.status in UNDER_WAY
    yield from differs("verification, offered", offered, not is_open)


def chat(page: Element, messages: Sequence[ChatMessage]) -> Untruths:
    """A conversation: who gave each answer, and how far it is."""
    shown = [
        (int(item["data-message"]), item["data-status"], item.first(cls="chat-who").text)
        for item in page.all(cls="chat-message")
    ]
    true = [
        (each.pk, str(each.status), "You" if each.role == "user" else each.speaker or "Agent")
        for each in messages
    ]
    yield from differs("chat", shown, true)


def found(page: Element, notes: Mapping[str, str]) -> Untruths:
    """What a search found of some labels, each with its note."""
    results = {item.first(cls="result-label").text: item for item in page.all(cls="result")}
    for label, note in notes.items():
        text = results[label].first(cls="muted").text if label in results else "nothing"
        yield from differs(f"search, {label}", text, note)


def _headings(page: Element) -> list[str]:
    return [heading.text for heading in page.first(data_part="side").all("h2")]


def _steps(page: Element, build: Build) -> Untruths:
    shown: dict[str, list[str]] = {}
    for step in page.all(cls="step"):
        shown.setdefault(step["data-section"], []).append(step["data-state"])
    for row in build.per_target.all():
        target = targets.get(row.target)
        states = shown.pop(target.section, [])
        name = f"steps of {target.section} ({row.status})"
        if row.status != "running" and "running" in states:
            yield f"{name}: one runs: {states}"
        if row.status in ("queued", *UNDER_WAY, "succeeded"):
            yield from differs(f"{name}, number", len(states), len(step_names(target)))
        if row.status not in UNDER_WAY and "pending" in states:
            yield f"{name}: one is pending: {states}"
        if row.status == "succeeded":
            yield from differs(name, set(states), {"cached" if row.from_cache else "done"})
        if row.status == "failed" and not row.from_cache and row.started_at and states:
            yield from differs(f"{name}, last", states[-1], "failed")
    yield from differs("steps of no target", shown, {})


def _targets(page: Element, build: Build) -> Untruths:
    headings = {part["data-name"]: part for part in page.all(cls="log-section")}
    for row in build.per_target.all():
        card = page.first(id=f"target-{row.target}").first(cls="badge")
        yield from differs(f"card of {row.target}", card["data-state"], row.status)
        heading = headings.get(targets.get(row.target).section)
        if heading is None:
            continue
        state = heading["data-part-state"]
        true = {
            "running": ("running",),
            "succeeded": ("cached",) if row.from_cache else ("done",),
            "failed": ("failed",),
            "cancelled": ("cancelled", "failed", "stopped", "done"),
        }.get(row.status, ("stopped",))
        if state not in true:
            yield f"log heading of {row.target}: shows {state!r}, by the rows {row.status!r}"


def deployment_rows(page: Element, deployments: list[Deployment], live: Mapping[int, str]) -> Untruths:
    """A list of deployments; `live` has the word of those that are live, by their numbers."""
    rows = {_number(row.first("a")["href"]): row for row in _table_rows(page.first(data_part="deployments"))}
    yield from differs("list of deployments", sorted(rows), sorted(each.pk for each in deployments))
    for each in deployments:
        cell = rows.get(each.pk, Element("", {})).first(data_label="Status")
        yield from differs(f"list, deployment {each.pk}", cell.first(cls="badge")["data-state"], each.status)
        yield from differs(f"list, live {each.pk}", cell.first("strong").text, live.get(each.pk, ""))


def deployment_page(page: Element, row: Deployment, live: str) -> Untruths:
    """The page of a deployment; `live` is the word for one that is live."""
    badge = page.first("h1").first(cls="badge")
    yield from differs("heading", (badge["data-state"], badge.text.lower()), (row.status, row.status))
    title = page.first("title").text
    yield from differs(
        "title", title.startswith(f"{row.status.capitalize()} {DASH} Deployment {row.pk} "), True
    )
    summary = page.first(data_part="summary").first(cls="summary").first("strong").text
    true = live.capitalize() if live and row.status == "succeeded" else row.status.capitalize()
    yield from differs("summary", summary, true)
    states = {step["data-state"] for step in page.all(cls="step")}
    if row.status not in UNDER_WAY:
        yield from differs("steps", states & {"running", "pending"}, set())
    if row.status == "succeeded":
        yield from differs("steps", states, {"done"})
    if row.status == "queued":
        yield from differs("steps, queued", "running" in states, False)


def deploy_tab(page: Element, standing: Standing) -> Untruths:
    """What the tab Deploy says of the site."""
    text, site = page.first(data_part="site").text, standing.site
    if site is None:
        yield from differs("site", text, "")
        return
    live = standing.live
    if not standing.is_self_hosted:
        live = standing.live
        shown = f"shows revision {live.revision.number}" if live else "shows nothing yet"
        elsewhere = live is None and bool(site.live_remote_id)
        yield from differs("site, changed elsewhere", "Changed elsewhere" in text, elsewhere)
        yield from differs("site, what it shows", shown in text, not elsewhere)
        yield from differs("site, locked", "Locked" in text, site.locked)
        return
    yield from differs("site, nothing yet", "shows nothing yet" in text, not site.live_remote_id)
    if live is not None:
        yield from differs(
            "site, revision", f"has revision {live.revision.number}, ready to run" in text, True
        )
        yield from differs("site, live", "It answers at" in text, site.answered_at is not None)
    yield from differs("site, locked", "Locked" in text, site.locked)
    yield from differs("site, problem", site.problem in text, True)


def agent_json(found: dict[str, Any], standing: Standing) -> Untruths:
    """An agent in the list for scripts."""
    yield from differs("agents.json", (found["state"], found["status"]), standing.badge)
    yield from differs("agents.json, trouble", bool(found["key_trouble"]), bool(is_unusable(standing.agent)))


def build_json(found: dict[str, Any], build: Build) -> Untruths:
    """A build for scripts."""
    yield from differs(f"build {build.pk}, json", found["status"], build.status)
    rows = {row.target: row.status for row in build.per_target.all()}
    ran = build.started_at is not None and build.finished_at is not None
    yield from differs(
        f"targets of {build.pk}, json", {t["target"]: t["status"] for t in found["targets"]}, rows
    )
    yield from differs(f"time of {build.pk}, json", found["seconds"] is None, not ran)


def _table_rows(part: Element) -> list[Element]:
    return part.first("tbody").all("tr")


def _number(path: str) -> int:
    return int(re.findall(r"\d+", path)[0])
