"""The OpenAPI operations of deployments and sites."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import BOOLEAN, INTEGER, NUMBER, STRING, TIME, array, nullable, one_of, record
from builds.openapi.builds import BUILD

from .accounts.forms import ConnectForm
from .forms import (
    ChooseSiteForm,
    DeleteSiteForm,
    DeploymentListForm,
    NewSiteForm,
    PlanForm,
    SettingsForm,
    StartForm,
)
from .history import LiveStatus, SiteContent
from .hosts.registry import KINDS
from .models import Access, DeploymentStatus

_DEPLOYMENT = record(
    {
        "id": INTEGER,
        "status": one_of(DeploymentStatus.values),
        "draft": BOOLEAN,
        # Empty until the site was put together.
        "access": one_of(["", *Access.values]),
        **dict.fromkeys(
            ("title", "remote_id", "content_sha256", "url", "reason", "error", "asked_by"), STRING
        ),
        **dict.fromkeys(("files", "uploaded_files", "uploaded_bytes", "attempts"), INTEGER),
        "created_at": TIME,
        **dict.fromkeys(("started_at", "finished_at", "published_at"), nullable(TIME)),
        "page": STRING,
        "agent": INTEGER,
        "site": STRING,
        "host": one_of(KINDS),
        "build": nullable(INTEGER),
        "revision": INTEGER,
        "is_live": BOOLEAN,
        "standing": one_of(LiveStatus),
        "address": STRING,
        "replaced_revision": nullable(INTEGER),
        "changes": array(record(dict.fromkeys(("name", "before", "after"), STRING))),
        "seconds": nullable(NUMBER),
        "channel": STRING,
    }
)
_SITE = record(
    {
        "id": INTEGER,
        "agent": INTEGER,
        **dict.fromkeys(("name", "url", "admin_url", "greeting", "live_remote_id", "problem"), STRING),
        "own_address": STRING,
        "host": one_of(KINDS),
        "access": one_of(Access.values),
        "offers_download": BOOLEAN,
        "variables": array(STRING),
        "locked": BOOLEAN,
        **dict.fromkeys(("looked_at", "answered_at"), nullable(TIME)),
        "shows": one_of(SiteContent),
        **dict.fromkeys(("live_deployment", "live_revision"), nullable(INTEGER)),
    }
)
_CHECK = record({"label": STRING, "state": one_of(["ok", "warning", "bad"]), "words": STRING})
_PERSON = {
    "who": STRING,
    "email": STRING,
    "teams": array(record({"id": STRING, "slug": STRING, "name": STRING})),
}
_ONE, _ITS_SITE = {"deployment": _DEPLOYMENT}, {"site": _SITE}

describe(
    "deployments:list",
    get=Operation("List your deployments", {"deployments": array(_DEPLOYMENT)}, query=DeploymentListForm),
)
describe("deployments:detail", get=Operation("Get a deployment", _ONE))
describe(
    "deployments:archive",
    get=Operation("Download a deployment's files", media="application/gzip", refusable=True),
)
describe("deployments:cancel", post=Operation("Cancel a deployment", _ONE, refusable=True))
describe("deployments:retry", post=Operation("Deploy again", _ONE, 201, refusable=True))
describe(
    "deployments:publish",
    post=Operation("Put a deployment live: promote a draft, or roll back", _ONE, refusable=True),
)
describe("deployments:delete", post=Operation("Delete a deployment that is not live", refusable=True))
describe("deployments:site_refresh", post=Operation("Refresh what a site shows", _ITS_SITE, refusable=True))
describe("deployments:site_lock", post=Operation("Lock a site to its live deploy", _ITS_SITE, refusable=True))
describe("deployments:site_unlock", post=Operation("Unlock a site", _ITS_SITE, refusable=True))
describe(
    "deployments:site_delete",
    post=Operation("Delete a site; its name confirms it", forms=[DeleteSiteForm], refusable=True),
)
describe(
    "deployments:agent",
    get=Operation(
        "Get an agent's site, the checks before a deployment, and the history",
        {
            "site": nullable(_SITE),
            "checks": array(_CHECK),
            "ready": BOOLEAN,
            "planned_build": nullable(INTEGER),
            "deployments": array(_DEPLOYMENT),
        },
    ),
)
describe("deployments:start", post=Operation("Deploy a build", _ONE, 201, forms=[StartForm], refusable=True))
describe(
    "deployments:plan",
    post=Operation(
        "Compile an agent, or wait for its build in progress, and deploy it when it is built",
        {"build": BUILD},
        201,
        forms=[PlanForm],
        refusable=True,
    ),
)
describe("deployments:drop_plan", post=Operation("Don't deploy what is planned", refusable=True))
describe("deployments:connect", post=Operation("Connect a Netlify account", _PERSON, forms=[ConnectForm]))
describe("deployments:recheck", post=Operation("Test the connected account", _PERSON, refusable=True))
describe("deployments:disconnect", post=Operation("Disconnect the account"))
describe(
    "deployments:remote_sites",
    get=Operation(
        "List the account's sites",
        {"sites": array(record({"id": STRING, "name": STRING, "url": STRING}))},
        refusable=True,
    ),
)
describe(
    "deployments:create_site",
    post=Operation("Create a site", _ITS_SITE, 201, forms=[NewSiteForm], required=["name"], refusable=True),
)
describe(
    "deployments:choose_site",
    post=Operation("Use an existing site", _ITS_SITE, 201, forms=[ChooseSiteForm], refusable=True),
)
describe("deployments:settings", post=Operation("Change a site's settings", _ITS_SITE, forms=[SettingsForm]))
