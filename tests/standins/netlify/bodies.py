"""The JSON of Netlify's API objects."""

from __future__ import annotations

from datetime import UTC, datetime

from .state import Account, Deploy, Json, Site, State


def _time(at: float) -> str | None:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z") if at else None


def account_json(account: Account) -> Json:
    return {
        "id": account.id,
        "name": account.name,
        "slug": account.slug,
        "type": "personal",
        "type_slug": "starter",
        "default": account.id == "acc-1",
        "roles_allowed": ["Owner"],
    }


def site_json(state: State, site: Site, url: str) -> Json:
    account = next(account for account in state.accounts if account.id == site.account)
    published = state.deploys.get(site.published)
    return {
        "id": site.id,
        "site_id": site.id,
        "name": site.name,
        "url": url,
        "ssl_url": url,
        "admin_url": f"https://app.netlify.com/projects/{site.name}",
        "account_id": account.id,
        "account_slug": account.slug,
        "account_name": account.name,
        "state": "current",
        "build_settings": {},
        "capabilities": {},
        "published_deploy": {"id": published.id, "locked": published.locked, "title": published.title}
        if published
        else None,
    }


def deploy_json(state: State, deploy: Deploy, site: Site, site_url: str, url: str) -> Json:
    listed = deploy.has_manifest and deploy.state not in ("new", "preparing")
    return {
        "id": deploy.id,
        "deploy_id": deploy.id,
        "site_id": deploy.site_id,
        "name": site.name,
        "title": deploy.title,
        "state": deploy.state,
        "draft": deploy.draft,
        "branch": deploy.branch or None,
        "context": deploy.context,
        "required": state.missing_files(deploy) if listed else [],
        "required_functions": state.missing_functions(deploy) if listed else [],
        "error_message": deploy.error or None,
        "locked": deploy.locked or None,
        "url": site_url,
        "ssl_url": site_url,
        "deploy_url": url,
        "deploy_ssl_url": url,
        "admin_url": f"https://app.netlify.com/projects/{site.name}",
        "created_at": _time(deploy.created_at),
        "published_at": _time(deploy.published_at),
    }
