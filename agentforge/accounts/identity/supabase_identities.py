"""The ways to sign in that are linked to an account: an address with a password, and providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from supabase_auth.types import UserIdentity

from agentforge.accounts.errors import IdentityError
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.audit.actions import Action
from agentforge.audit.log import record

from .base import AuthSession, Tokens
from .providers import PROVIDERS, is_known
from .supabase_client import auth_client
from .supabase_refusals import REFUSALS

_ANOTHERS = "It was not linked: you signed in as somebody else meanwhile. Nothing was changed here."


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    id: str
    provider: str
    label: str
    email: str
    created_at: datetime | None


class LinkedIdentities:
    def identities(self, session: AuthSession) -> list[LinkedIdentity]:
        """Return the identities of an account, oldest first."""
        return [
            LinkedIdentity(
                one.identity_id,
                one.provider,
                _label(one),
                str(one.identity_data.get("email", "")),
                one.created_at,
            )
            for one in self._listed(session)
        ]

    @performs(Act.UNLINK_IDENTITY)
    def unlink(self, session: AuthSession, identity_id: str) -> str:
        """Unlink an identity and return its label. Raises IdentityError for the only one and unknown ones."""
        found = next((one for one in self._listed(session) if one.identity_id == identity_id), None)
        if found is None:
            raise IdentityError(REFUSALS["identity_not_found"][1])
        with auth_client(session.access_token) as auth:
            auth.unlink_identity(found)
        record(Action.IDENTITY_UNLINKED, owner=session.claims["sub"], provider=found.provider)
        return _label(found)

    def finish_link(self, session: AuthSession, tokens: Tokens, linked_to: str, provider: str) -> str:
        """Record that a provider was linked, and return its label; the session that came of it ends at once.

        Raises IdentityError if it was linked to another account than the session's.
        """
        with auth_client() as auth:
            auth.admin.sign_out(tokens.access_token, "local")
        if linked_to != session.claims["sub"]:
            raise IdentityError(_ANOTHERS)
        record(Action.IDENTITY_LINKED, owner=session.claims["sub"], provider=provider)
        return PROVIDERS[provider] if is_known(provider) else provider

    def delete_user(self, user_id: UUID) -> None:
        """Delete an account at the service, with the project's secret key. Raises IdentityError."""
        with auth_client(key=settings.SUPABASE_SERVICE_KEY) as auth:
            auth.admin.delete_user(str(user_id))

    def _listed(self, session: AuthSession) -> list[UserIdentity]:
        with auth_client(session.access_token) as auth:
            return auth.get_user_identities().identities


def _label(identity: UserIdentity) -> str:
    if is_known(identity.provider):
        return PROVIDERS[identity.provider]
    return {"email": "E-mail address", "phone": "Phone"}.get(identity.provider, identity.provider)
