"""The actions of the audit log, and their kinds."""

from __future__ import annotations

from django.db import models


class Action(models.TextChoices):
    SIGNED_IN = "signed-in", "Signed in"
    SIGN_IN_FAILED = "sign-in-failed", "Sign-in failed"
    CODE_FAILED = "code-failed", "Mailed code refused"
    SECOND_FACTOR_PASSED = "second-factor-passed", "Second factor passed"
    SECOND_FACTOR_FAILED = "second-factor-failed", "Second factor refused"
    SIGNED_OUT = "signed-out", "Signed out"
    SIGNED_OUT_EVERYWHERE = "signed-out-everywhere", "Signed out everywhere"
    SIGNED_OUT_OTHERS = "signed-out-others", "Signed out in all other places"

    ACCOUNT_MADE = "account-made", "Account created"
    GUEST_KEPT = "guest-kept", "Signed up after a visit as a guest"
    PASSWORD_CHANGED = "password-changed", "Password changed"
    PASSWORD_FAILED = "password-failed", "Current password refused"
    EMAIL_CHANGE_ASKED = "email-change-asked", "Change of e-mail address requested"
    EMAIL_CHANGED = "email-changed", "E-mail address changed"
    SECOND_FACTOR_ON = "second-factor-on", "Second factor turned on"
    SECOND_FACTOR_OFF = "second-factor-off", "Second factor turned off"
    SECOND_FACTOR_REMOVED = "second-factor-removed", "Authenticator removed"
    IDENTITY_LINKED = "identity-linked", "Way to sign in linked"
    IDENTITY_UNLINKED = "identity-unlinked", "Way to sign in unlinked"
    API_TOKEN_MADE = "api-token-made", "API token created"
    API_TOKEN_REVOKED = "api-token-revoked", "API token revoked"

    KEY_SAVED = "key-saved", "Key saved"
    KEY_REPLACED = "key-replaced", "Key replaced"
    KEY_RENAMED = "key-renamed", "Key renamed"
    KEY_TESTED = "key-tested", "Key tested"
    KEY_USED = "key-used", "Key used"
    KEY_REMOVED = "key-removed", "Key removed"
    KEYS_ROTATED = "keys-rotated", "Keys re-encrypted"

    AGENT_CREATED = "agent-created", "Agent created"
    FILE_ADDED = "file-added", "File added to an agent"
    FILE_REMOVED = "file-removed", "File removed from an agent"
    SKILL_ADDED = "skill-added", "Skill added to an agent"
    SKILL_REMOVED = "skill-removed", "Skill removed from an agent"
    AGENT_RESTORED = "agent-restored", "Earlier revision restored"
    AGENT_ARCHIVED = "agent-archived", "Agent archived"
    AGENT_UNARCHIVED = "agent-unarchived", "Agent taken out of the archive"
    AGENT_TRASHED = "agent-trashed", "Agent moved to the trash"
    AGENT_RECOVERED = "agent-recovered", "Agent restored from the trash"
    AGENT_DELETED = "agent-deleted", "Agent deleted"

    BUILD_ASKED = "build-asked", "Build requested"
    BUILD_RETRIED = "build-retried", "Build retried"
    BUILD_CANCELLED = "build-cancelled", "Build cancellation requested"
    BUILD_PINNED = "build-pinned", "Build pinned"
    BUILD_UNPINNED = "build-unpinned", "Build unpinned"
    BUILD_EXPIRED = "build-expired", "Build files removed"
    PRUNED = "pruned", "Old rows and files removed"
    BUILD_VERIFY_ASKED = "build-verify-asked", "Build verification requested"
    BUILD_DOWNLOADED = "build-downloaded", "Build downloaded"
    EVALUATION_ASKED = "evaluation-asked", "Evaluation requested"
    FILE_DOWNLOADED = "file-downloaded", "File downloaded"

    HOST_CONNECTED = "host-connected", "Hosting account connected"
    HOST_DISCONNECTED = "host-disconnected", "Hosting account disconnected"
    SITE_CREATED = "site-created", "Site created"
    SITE_CHOSEN = "site-chosen", "Site chosen"
    SITE_CHANGED = "site-changed", "Site settings changed"
    SITE_DELETED = "site-deleted", "Site deleted"
    SITE_LOCKED = "site-locked", "Site locked"
    SITE_UNLOCKED = "site-unlocked", "Site unlocked"
    SITE_DRIFTED = "site-drifted", "Site changed outside the forge"
    DEPLOY_ASKED = "deploy-asked", "Deployment requested"
    DEPLOY_CANCELLED = "deploy-cancelled", "Deployment cancellation requested"
    DEPLOY_PUBLISHED = "deploy-published", "Deployment published"
    DEPLOY_DELETED = "deploy-deleted", "Deployment deleted"
    DEPLOY_DOWNLOADED = "deploy-downloaded", "Deployment downloaded"

    ACCOUNT_DELETED = "account-deleted", "Account deleted"
    ACCOUNT_DISABLED = "account-disabled", "Account disabled by an operator"
    ACCOUNT_ENABLED = "account-enabled", "Account enabled by an operator"
    SESSIONS_ENDED = "sessions-ended", "Signed out everywhere by an operator"
    ROLE_CHANGED = "role-changed", "Role changed"
    KEY_TEST_ASKED = "key-test-asked", "Key test requested by an operator"
    LOG_READ = "log-read", "Build log read by an operator"
    LOG_PRUNED = "log-pruned", "Old events removed from this log"


class Kind(models.TextChoices):
    SIGN_INS = "sign-ins", "Sign-ins"
    ACCOUNT = "account", "Account"
    KEYS = "keys", "Keys"
    AGENTS = "agents", "Agents"
    BUILDS = "builds", "Builds"
    DOWNLOADS = "downloads", "Downloads"
    DEPLOYMENTS = "deployments", "Deployments"
    OPERATORS = "operators", "Operators"

    @property
    def actions(self) -> tuple[Action, ...]:
        """Return the actions of this kind; every action has exactly one kind."""
        return _ACTIONS[self]


def choices() -> list[tuple[str, str]]:
    """Return the choices of the model's field; a function, so that a new action needs no migration."""
    return list(Action.choices)


_ACTIONS: dict[Kind, tuple[Action, ...]] = {
    Kind.SIGN_INS: (
        Action.SIGNED_IN,
        Action.SIGN_IN_FAILED,
        Action.CODE_FAILED,
        Action.SECOND_FACTOR_PASSED,
        Action.SECOND_FACTOR_FAILED,
        Action.SIGNED_OUT,
        Action.SIGNED_OUT_EVERYWHERE,
        Action.SIGNED_OUT_OTHERS,
    ),
    Kind.ACCOUNT: (
        Action.ACCOUNT_MADE,
        Action.GUEST_KEPT,
        Action.PASSWORD_CHANGED,
        Action.PASSWORD_FAILED,
        Action.EMAIL_CHANGE_ASKED,
        Action.EMAIL_CHANGED,
        Action.SECOND_FACTOR_ON,
        Action.SECOND_FACTOR_OFF,
        Action.SECOND_FACTOR_REMOVED,
        Action.IDENTITY_LINKED,
        Action.IDENTITY_UNLINKED,
        Action.API_TOKEN_MADE,
        Action.API_TOKEN_REVOKED,
    ),
    Kind.KEYS: (
        Action.KEY_SAVED,
        Action.KEY_REPLACED,
        Action.KEY_RENAMED,
        Action.KEY_TESTED,
        Action.KEY_USED,
        Action.KEY_REMOVED,
        Action.KEYS_ROTATED,
    ),
    Kind.AGENTS: (
        Action.AGENT_CREATED,
        Action.FILE_ADDED,
        Action.FILE_REMOVED,
        Action.SKILL_ADDED,
        Action.SKILL_REMOVED,
        Action.AGENT_RESTORED,
        Action.AGENT_ARCHIVED,
        Action.AGENT_UNARCHIVED,
        Action.AGENT_TRASHED,
        Action.AGENT_RECOVERED,
        Action.AGENT_DELETED,
    ),
    Kind.BUILDS: (
        Action.BUILD_ASKED,
        Action.BUILD_RETRIED,
        Action.BUILD_VERIFY_ASKED,
        Action.EVALUATION_ASKED,
        Action.BUILD_CANCELLED,
        Action.BUILD_PINNED,
        Action.BUILD_UNPINNED,
        Action.BUILD_EXPIRED,
    ),
    Kind.DOWNLOADS: (Action.BUILD_DOWNLOADED, Action.FILE_DOWNLOADED, Action.DEPLOY_DOWNLOADED),
    Kind.DEPLOYMENTS: (
        Action.HOST_CONNECTED,
        Action.HOST_DISCONNECTED,
        Action.SITE_CREATED,
        Action.SITE_CHOSEN,
        Action.SITE_CHANGED,
        Action.SITE_DELETED,
        Action.SITE_LOCKED,
        Action.SITE_UNLOCKED,
        Action.SITE_DRIFTED,
        Action.DEPLOY_ASKED,
        Action.DEPLOY_CANCELLED,
        Action.DEPLOY_PUBLISHED,
        Action.DEPLOY_DELETED,
    ),
    Kind.OPERATORS: (
        Action.ACCOUNT_DELETED,
        Action.ACCOUNT_DISABLED,
        Action.ACCOUNT_ENABLED,
        Action.SESSIONS_ENDED,
        Action.ROLE_CHANGED,
        Action.KEY_TEST_ASKED,
        Action.LOG_READ,
        Action.LOG_PRUNED,
        Action.PRUNED,
    ),
}
