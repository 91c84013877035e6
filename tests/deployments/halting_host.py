"""Halt many deployments at once, each to its own site and in another step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from agentforge.accounts.models import User
from agentforge.live.connections import connect
from builds.models import Build
from configs.models import AgentConfig
from configs.services import duplicate_agent
from deployments import services
from deployments.models import Deployment, Site
from deployments.run import steps
from deployments.sites import lifecycle
from tests.drivers.build_stream import Record, wait_for
from tests.standins.netlify import NetlifyStandIn
from tests.standins.netlify.trouble import Kind

from .finished_builds import build_of


@dataclass(frozen=True)
class Place:
    """Where to halt: the step, and whether to deploy a draft."""

    step: str
    draft: bool = False
    # A request to the API, held before or after it takes effect; places without one are halted in other ways.
    kind: Kind = "after"
    match: str = ""


DIGEST = Place(steps.DIGEST)
WAIT = Place(steps.WAIT)
CHECK, CHECK_DRAFT = Place(steps.VERIFY), Place(steps.VERIFY, draft=True)
# After the last request to the host, before the outcome is stored.
END = Place(steps.VERIFY, match="the end")
_CREATE = r"^POST .*/deploys\?"
ASKING = (
    Place(steps.ENVIRONMENT, match="^POST .*/env"),
    Place(steps.CREATE, kind="before", match=_CREATE),
    Place(steps.CREATE, match=_CREATE),
    Place(steps.CREATE, draft=True, match=_CREATE),
    Place(steps.UPLOAD, match="^PUT .*/deploys/"),
    Place(steps.UPLOAD, draft=True, match="^PUT .*/deploys/"),
)
_LOCKED_OUT = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s
"""
_BREAK = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class Halting:
    """Halts the deployments of a worker, which needs a thread for each place."""

    def __init__(self, agent: AgentConfig, alice: User, netlify: NetlifyStandIn) -> None:
        self._agent = agent
        self._alice = alice
        self._netlify = netlify
        self._releases = ExitStack()
        self._asked = 0

    def sites(self, places: Iterable[Place]) -> dict[Place, Site]:
        """Return a new site with its own agent for each place."""
        created = {}
        for number, place in enumerate(places):
            agent = duplicate_agent(self._agent)
            created[place] = lifecycle.create_site(agent, f"{agent.handle}-{number}", "team-one", self._alice)
        return created

    def build(self, site: Site, marker: str = "one") -> Build:
        return build_of(site.agent, self._alice, marker)

    def hold(self, sites: dict[Place, Site], marker: str = "one") -> dict[Place, Deployment]:
        """Deploy to each site, and return the deployments once each is halted at its place."""
        builds = {place: self.build(site, marker) for place, site in sites.items()}
        held: dict[Place, Deployment] = {}

        def deploy(place: Place) -> None:
            held[place] = services.enqueue(sites[place], builds[place], self._alice, draft=place.draft)

        self._hold_checks([place for place in sites if place.step == steps.VERIFY], sites, deploy)
        if END in sites:
            self._lock_the_row(held[END])
        if WAIT in sites:
            self._netlify.stuck = True
            self._releases.callback(lambda: setattr(self._netlify, "stuck", False))
            deploy(WAIT)
            wait_for(held[WAIT].stream_name, lambda record: "says: processing" in str(record.get("text")))
        for place in [place for place in sites if place in ASKING]:
            self._netlify.weather.add(place.kind, place.match)
            deploy(place)
            self._asked += 1
            self._netlify.weather.wait_until_held(self._asked)
        if DIGEST in sites:
            locks = self._lock("LOCK TABLE builds_artifact IN ACCESS EXCLUSIVE MODE")
            deploy(DIGEST)
            _wait_until_locked_out(locks, "%builds_artifact%")
        for place, deployment in held.items():
            wait_for(deployment.stream_name, _is_in(place.step))
        return held

    def _hold_checks(
        self, places: list[Place], sites: dict[Place, Site], deploy: Callable[[Place], None]
    ) -> None:
        """Hold requests to the edge: a draft's at its own address, others at the site's."""
        edge = self._netlify.edge
        holds = {
            place: edge.hold("127.2." if place.draft else str(urlsplit(sites[place].url).hostname))
            for place in places
        }
        for place in places:
            deploy(place)
        for place, hold in holds.items():
            hold.wait_until_held()
            self._releases.callback(hold.let_go)
            if place == END:
                self._at_the_end = hold

    def _lock_the_row(self, deployment: Deployment) -> None:
        locks = self._lock(f"SELECT FROM deployments_deployment WHERE id = {deployment.pk} FOR UPDATE")
        self._at_the_end.let_go()
        _wait_until_locked_out(locks, 'UPDATE "deployments_deployment"%')

    def _lock(self, statement: str) -> psycopg.Connection:
        locks = self._releases.enter_context(connect())
        locks.autocommit = False
        locks.execute(statement)
        self._releases.callback(locks.rollback)
        return locks

    def break_connections(self) -> None:
        """Break the connections that wait for one of our locks, as a restart of the database does."""
        with connect() as breaking:
            breaking.execute(_BREAK)

    def let_go(self) -> None:
        """Release everything."""
        self._releases.close()
        self._netlify.weather.let_go()


def _is_in(step: str) -> Callable[[Record], bool]:
    return lambda record: record["kind"] == "step" and record["name"] == step


def _wait_until_locked_out(locks: psycopg.Connection, query: str) -> None:
    """Wait until a matching statement waits for a lock."""
    with connect() as watching:
        while not watching.execute(_LOCKED_OUT, [query]).fetchone()[0]:  # type: ignore[index] # count(*) has a row
            # PostgreSQL has no notification for it.
            watching.execute("SELECT pg_sleep(0.02)")
            watching.rollback()
