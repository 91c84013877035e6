"""The client against the stand-in: its requests, retries and errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from deployments.bundle.function import zip_function
from deployments.hosts.base import Content, Entry, HostError, Reason, RemoteDeploy, RemoteSite, State
from deployments.hosts.contents import Data
from deployments.hosts.netlify import Netlify, api
from deployments.run import stages
from tests.deployments.finished_builds import ELF
from tests.standins.netlify import NetlifyStandIn
from tests.standins.netlify.trouble import Kind, Limit, Storm


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def host(netlify: NetlifyStandIn, waited: list[float]) -> Netlify:
    def sleep(seconds: float) -> None:
        waited.append(seconds)
        time.sleep(min(seconds, 1.5))

    return Netlify(netlify.token, sleep)


@pytest.fixture
def site(host: Netlify) -> RemoteSite:
    return host.create_site("ada", "team-one")


def entries(host: Netlify, **files: str) -> list[Entry]:
    static = [entry(host, path.replace("_", "."), text.encode()) for path, text in files.items()]
    return [*static, entry(host, "agent", zip_function(ELF), is_function=True)]


def entry(host: Netlify, path: str, data: bytes, *, is_function: bool = False) -> Entry:
    content = Data(data)
    return Entry(path, host.digest(content, is_function=is_function), content, is_function)


def finished(host: Netlify, site: RemoteSite, files: list[Entry], title: str = "t") -> RemoteDeploy:
    deploy = host.create_deploy(site.id, title, files, draft=False)
    while not deploy.listed:
        deploy = host.deploy(site.id, deploy.id)
    for each in files:
        if each.digest in deploy.required:
            host.upload(deploy.id, each, lambda _count: None)
    while deploy.state not in (State.READY, State.FAILED):
        deploy = host.deploy(site.id, deploy.id)
    return deploy


def test_who_a_token_belongs_to(host: Netlify) -> None:
    person = host.whoami()
    assert (person.name, person.email) == ("Ada Lovelace", "ada@example.com")
    assert [team.slug for team in person.teams] == ["team-one", "team-two"]


def test_a_deploy_is_served(host: Netlify, netlify: NetlifyStandIn, site: RemoteSite) -> None:
    deploy = finished(host, site, entries(host, index_html="hello", empty_txt=""))
    assert deploy.state == State.READY
    assert host.site(site.id).live_deploy == deploy.id
    assert set(netlify.state.deploys[deploy.id].files) == {"index.html", "empty.txt"}
    uploads = [asked for asked in netlify.asked if asked.method == "PUT"]
    assert next(a for a in uploads if a.path.endswith("empty.txt")).headers["content-length"] == "0"


def test_nothing_is_uploaded_twice(host: Netlify, netlify: NetlifyStandIn, site: RemoteSite) -> None:
    finished(host, site, entries(host, index_html="hello"))
    netlify.asked.clear()
    assert finished(host, site, entries(host, index_html="hello"), "u").state == State.READY
    assert not [asked for asked in netlify.asked if asked.method == "PUT"]


@pytest.mark.parametrize("kind", ["500", "502", "reset", "lost"])
def test_a_create_takes_effect_once(
    kind: Kind, host: Netlify, netlify: NetlifyStandIn, site: RemoteSite
) -> None:
    netlify.weather.add(kind, r"^POST .*/deploys\?")
    finished(host, site, entries(host, index_html="hello"))
    assert len(netlify.state.deploys) == 1
    netlify.weather.add(kind, r"^POST .*/sites$")
    host.create_site("bea", "team-one")
    assert sorted(each.name for each in netlify.state.sites.values()) == ["ada", "bea"]


@pytest.mark.parametrize("kind", ["500", "502", "reset", "cut", "lost", "401"])
def test_an_upload_is_tried_again_and_counted_once(
    kind: Kind, host: Netlify, netlify: NetlifyStandIn, site: RemoteSite
) -> None:
    big = entry(host, "big.bin", b"x" * 3_000_000)
    deploy = host.create_deploy(site.id, "t", [big], draft=False)
    host.deploy(site.id, deploy.id)
    netlify.weather.add(kind, "^PUT .*/files/")
    counted: list[int] = []
    host.upload(deploy.id, big, counted.append)
    assert sum(counted) == 3_000_000
    last = next(asked for asked in reversed(netlify.asked) if asked.method == "PUT")
    assert last.headers["x-nf-retry-count"] == "1"


def test_a_second_refusal_of_the_token_is_true(
    host: Netlify, netlify: NetlifyStandIn, site: RemoteSite
) -> None:
    file = entry(host, "a.txt", b"a")
    deploy = host.create_deploy(site.id, "t", [file], draft=False)
    netlify.token = "another"
    with pytest.raises(HostError, match="Connect your Netlify account again") as caught:
        host.upload(deploy.id, file, lambda _count: None)
    assert caught.value.reason == Reason.TOKEN_REFUSED


def test_a_limit_is_waited_for(host: Netlify, netlify: NetlifyStandIn, waited: list[float]) -> None:
    netlify.weather.reset_after = 3
    netlify.weather.add("429", times=2)
    host.whoami()
    assert len(waited) == 2
    assert all(1 <= seconds <= 3 for seconds in waited)


def test_more_files_than_requests_are_allowed(
    host: Netlify, netlify: NetlifyStandIn, site: RemoteSite
) -> None:
    netlify.weather.limit = Limit(10, seconds=2)
    files = {f"file{number}_txt": f"content {number}" for number in range(40)}
    assert finished(host, site, entries(host, **files)).state == State.READY
    assert len(netlify.state.contents) == 40
    assert netlify.weather.seen


def test_a_deploy_is_looked_at_once_a_second_in_the_long_run() -> None:
    backoff = stages.poll_backoff()
    delays = [backoff.next() for _ in range(60)]
    assert delays[0] < 0.2
    assert delays == sorted(delays)
    assert set(delays[10:]) == {1.0}


def test_a_limit_for_longer_than_is_waited_is_said_at_once(
    host: Netlify, netlify: NetlifyStandIn, waited: list[float]
) -> None:
    netlify.weather.reset_after = 3600
    netlify.weather.add("429")
    with pytest.raises(HostError, match=r"Try again in (59|60) minutes") as caught:
        host.whoami()
    assert (caught.value.reason, waited) == (Reason.RATE_LIMITED, [])


def test_a_limit_that_stays_is_said(host: Netlify, netlify: NetlifyStandIn, waited: list[float]) -> None:
    netlify.weather.reset_after = 0
    netlify.weather.add("429", times=100)
    with pytest.raises(HostError) as caught:
        Netlify(netlify.token, waited.append).whoami()
    assert caught.value.reason == Reason.RATE_LIMITED
    assert len(waited) == api.MAX_WAITS


def test_a_failure_that_stays_is_said(host: Netlify, netlify: NetlifyStandIn) -> None:
    netlify.weather.add("502", times=100)
    with pytest.raises(HostError, match="6 times in a row") as caught:
        host.whoami()
    assert caught.value.reason == Reason.UNREACHABLE
    assert len(netlify.asked) == api.MAX_FAULTS + 1


Break = Callable[[Netlify, NetlifyStandIn, RemoteSite], object]


def _mismatch(host: Netlify, netlify: NetlifyStandIn, site: RemoteSite) -> None:
    file = entry(host, "a.txt", b"a")
    deploy = host.create_deploy(site.id, "t", [file], draft=False)
    host.deploy(site.id, deploy.id)
    host.upload(deploy.id, Entry("a.txt", file.digest, Data(b"b")), lambda _count: None)


def _function(host: Netlify, netlify: NetlifyStandIn, site: RemoteSite) -> None:
    finished(host, site, [entry(host, "agent", zip_function(b"#!/bin/sh"), is_function=True)])


def _too_large(host: Netlify, netlify: NetlifyStandIn, site: RemoteSite) -> None:
    netlify.largest_function = 10
    finished(host, site, [entry(host, "agent", zip_function(ELF), is_function=True)])


def _quota(host: Netlify, netlify: NetlifyStandIn, site: RemoteSite) -> None:
    netlify.quota = True
    host.create_deploy(site.id, "t", [], draft=False)


BROKEN: dict[Reason, Break] = {
    Reason.TOKEN_REFUSED: lambda _host, _netlify, _site: Netlify("wrong").whoami(),
    Reason.GONE: lambda host, _netlify, _site: host.site("site-9999"),
    Reason.NAME_TAKEN: lambda host, _netlify, _site: host.create_site("ada", "team-two"),
    Reason.MISMATCH: _mismatch,
    Reason.FUNCTION_REFUSED: _function,
    Reason.TOO_LARGE: _too_large,
    Reason.QUOTA: _quota,
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_refusal_is_named(reason: Reason, host: Netlify, netlify: NetlifyStandIn, site: RemoteSite) -> None:
    with pytest.raises(HostError) as caught:
        BROKEN[reason](host, netlify, site)
    assert caught.value.reason == reason


def test_a_deploy_that_is_not_ready_can_not_go_live(host: Netlify, site: RemoteSite) -> None:
    deploy = host.create_deploy(site.id, "t", entries(host, index_html="x"), draft=False)
    with pytest.raises(HostError) as caught:
        host.publish(site.id, deploy.id)
    assert caught.value.reason == Reason.NOT_READY


@pytest.mark.parametrize("scopes", [True, False])
def test_variables_are_secret_and_change(
    scopes: bool, host: Netlify, netlify: NetlifyStandIn, site: RemoteSite
) -> None:
    netlify.refuses_env_scopes = not scopes
    netlify.weather.add("lost", "^POST .*/env")
    host.set_variables(site, {"A_KEY": "one", "B_KEY": "two"}, frozenset())
    host.set_variables(site, {"A_KEY": "three"}, frozenset({"B_KEY", "C_KEY"}))
    variables = {key: variable for (_, _, key), variable in netlify.state.environment.items()}
    assert set(variables) == {"A_KEY"}
    assert variables["A_KEY"]["is_secret"] is True
    assert {value["value"] for value in variables["A_KEY"]["values"]} == {"three"}
    assert variables["A_KEY"].get("scopes") == (["functions"] if scopes else None)


def test_what_is_gone_counts_as_deleted(host: Netlify, netlify: NetlifyStandIn, site: RemoteSite) -> None:
    netlify.weather.add("lost", "^DELETE")
    host.delete_site(site.id)
    assert not netlify.state.sites
    host.delete_deploy("deploy-9999")
    host.cancel("deploy-9999")


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_changes_nothing(
    seed: int, host: Netlify, netlify: NetlifyStandIn, site: RemoteSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    netlify.weather.storm = Storm(seed, 0.5)
    netlify.weather.reset_after = 0
    files = {f"file{number}_txt": f"content {number}" for number in range(12)}
    deploy = finished(host, site, entries(host, **files))
    assert deploy.state == State.READY
    assert len(netlify.state.deploys) == 1
    assert len(netlify.weather.seen) > 3


class _Slow:
    size = 3

    def pieces(self) -> Iterator[bytes]:
        yield b"abc"


def test_contents_fit_the_interface(host: Netlify) -> None:
    content: Content = _Slow()
    assert host.digest(content, is_function=False) == host.digest(Data(b"abc"), is_function=False)
