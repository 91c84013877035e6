from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class TenancyConfig(AppConfig):
    name = "agentforge.tenancy"
    label = "tenancy"

    def ready(self) -> None:
        from .checks import check_row_level_security
        from .exposure import close_after_migrate

        register(check_row_level_security, Tags.database)
        # Sent once per app after all migrations; once is enough.
        post_migrate.connect(close_after_migrate, sender=self, dispatch_uid="tenancy.close_tables")
