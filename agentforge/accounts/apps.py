from django.apps import AppConfig
from django.core.checks import Tags, register


class AccountsConfig(AppConfig):
    name = "agentforge.accounts"
    label = "accounts"

    def ready(self) -> None:
        from . import checks

        register(checks.check_local_identity, Tags.security)
        register(checks.check_supabase, Tags.security)
        register(checks.check_second_factor_paths, Tags.security)
        register(checks.check_forwarded_addresses, Tags.security)
        register(checks.check_second_factor_acts, Tags.security)
        register(checks.check_identity_key, Tags.security)
