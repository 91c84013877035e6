from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command

from agentforge.accounts import roles
from agentforge.accounts.models import Role, User


class Command(BaseCommand):
    help = "Make the person with an e-mail address an operator; without an account, create one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        if not email:
            raise CommandError("Name an address: make admin EMAIL=ada@example.com")
        if settings.SUPABASE_URL:
            raise CommandError("Operators are named in the Supabase project: docs/supabase.md.")
        user = User.objects.filter(email=email).first()
        if user is None:
            # Django's command asks for a password, and without a terminal says only that it made nobody.
            if not sys.stdin.isatty():
                raise CommandError(f"{email} has no account. Sign up with it, or run this in a terminal.")
            self.stdout.write(f"{email} has no account yet. Choose its password.")
            call_command("createsuperuser", email=email, verbosity=0)
        else:
            roles.assign(user, Role.OPERATOR, by="the command line")
        self.stdout.write(self.style.SUCCESS(f"{email} may use /admin/ now."))
