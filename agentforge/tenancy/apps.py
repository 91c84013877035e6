from django.apps import AppConfig
from django.core.checks import Tags, register


class TenancyConfig(AppConfig):
    name = "agentforge.tenancy"
    label = "tenancy"

    def ready(self) -> None:
        from .checks import check_row_level_security

        register(check_row_level_security, Tags.database)
