from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from agentforge.accounts.identity import identity_service
from agentforge.accounts.identity.local import LocalIdentityService
from agentforge.accounts.models import LocalIdentity


class Command(BaseCommand):
    help = "Print an access token for scripts (`Authorization: Bearer TOKEN`), valid for one hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the user's e-mail address")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        service = identity_service()
        if not isinstance(service, LocalIdentityService):
            raise CommandError("Supabase issues the tokens here: request one from its API.")
        identity = LocalIdentity.objects.filter(email=email.strip().lower()).first()
        if identity is None:
            raise CommandError(f"Nobody has signed up as {email}.")
        self.stdout.write(service.start_session(identity).access_token)
