from django.apps import AppConfig
from django.core.checks import register


class AuditConfig(AppConfig):
    name = "agentforge.audit"
    label = "audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        from .checks import check_retention

        register(check_retention)
